"""The keeper: fetches keys from Vault, delivers them, and has it proven that they are served. EDGE.

It holds the token and the keys, in memory alone. It reads no file of the host, reloads nothing by
itself and reaches nothing but Vault.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent import hostid, packing, snapshot
from agent.deliver import Deliveries, DeliveryError, content
from agent.findings import Look
from agent.keysettings import KvSource, PkiSource
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.roles.base import Base
from agent.snapshot import SnapshotError
from agent.vault import advice, heldkeys, judging, sources
from agent.vault.errors import VaultError
from agent.vault.hands import Asking
from agent.vault.keeping import Keeping, Parts, handed
from agent.vault.record import Record
from agent.vault.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.daemon import Life
    from agent.keysettings import KeySettings
    from agent.roles.walls import Walls
    from agent.settings import Settings

NAME: Final = "keeper"
KEYS: Final = "keys"
"""The name of the snapshot that says how each key is."""
_TURN: Final = 0.25
_LOGIN: Final = "login"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID
"""


class Published(msgspec.Struct, frozen=True):
    """How each key is, and how many requests were made since the start."""

    keys: tuple[Record, ...] = ()
    requests: int = 0


def run(
    settings: Settings,
    life: Life,
    walls: Walls | None = None,
    unprotected: Sequence[str] = (),
) -> None:
    """Keep all keys until told to stop. walls: what this process is confined by, None if not.

    unprotected: how its memory may get to a disk, in words.
    """
    base = Base(NAME, settings, walls)
    base.listen()
    if unprotected:
        base.faults["memory"] = "; ".join(unprotected)
    base.lead(_Loop(base), life)


class _Loop:
    """Takes in what the worker, which talks to Vault and to servers, says of each key."""

    def __init__(self, base: Base) -> None:
        self._base = base
        base.ledger.base.execute(_SCHEMA)
        self._records = {
            name: record for name, record in _stored(base).items() if name in base.settings.keys
        }
        self._said: queue.SimpleQueue[Record | str] = queue.SimpleQueue()
        self._worker = Worker(base.settings, self._records, self._said)
        self._looked = -math.inf

    def start(self) -> None:
        """Begin to work."""
        self._worker.start()

    def turn(self) -> None:
        """Take in what was said, and judge it now and then, since keys end by themselves."""
        changed = False
        try:
            said = self._said.get(timeout=_TURN)
            while True:
                changed = True
                self._take(said)
                said = self._said.get_nowait()
        except queue.Empty:
            pass
        now = time.monotonic()
        if changed or now - self._looked > 60.0:
            self._looked = now
            self._judge()
            self._publish()
        self._base.care({"keys": len(self._base.settings.keys), "requests": self._worker.requests})
        if self._base.reloading:
            self._base.reloading = False
            self._worker.hurry()

    def _take(self, said: Record | str) -> None:
        """Keep how a key is now, or what is wrong with the login."""
        if isinstance(said, str):
            self._base.faults.pop(_LOGIN, None)
            if said:
                self._base.faults[_LOGIN] = said
                self._base.tell("Vault gives no token", said)
            return
        self._records[said.name] = said
        try:
            row = (said.name, packing.pack(said))
            self._base.ledger.base.execute("INSERT OR REPLACE INTO keys VALUES (?, ?)", row)
        except SQLITE_ERROR as error:
            self._base.faults["state"] = str(error)

    def _judge(self) -> None:
        now = time.time()
        try:
            for name, told in self._base.settings.keys.items():
                record = self._records.get(name, Record(name=name))
                found = tuple(judging.findings(record, _place(name, told), now))
                self._base.ledger.observe(f"key {name}", Look(found), now)
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def _publish(self) -> None:
        told = tuple(record for _, record in sorted(self._records.items()))
        try:
            snapshot.write(self._base.published / KEYS, Published(told, self._worker.requests))
            self._base.faults.pop("publish", None)
        except SnapshotError as error:
            self._base.faults["publish"] = str(error)

    def stop(self) -> None:
        """End the worker; what it serves is served on."""
        self._worker.stop()


class Worker:
    """Does one thing after the other for all keys, in a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        records: dict[str, Record],
        said: queue.SimpleQueue[Record | str],
    ) -> None:
        """Keep what to work on; nothing is asked yet."""
        self._settings, self._said = settings, said
        self._host = hostid.host(settings).id
        self._session = Session(settings.vault, self._host)
        self._held = heldkeys.Held(settings.vault.folder)
        self._deliveries = Deliveries(settings.vault.folder)
        self._hands = Asking(settings)
        self._keys: list[Keeping] = []
        for name, told in settings.keys.items():
            known = records.get(name, Record(name=name))
            try:
                self._keys.append(self._made(name, told, known))
            except DeliveryError as error:  # the other keys are kept all the same
                said.put(msgspec.structs.replace(known, fault=advice.UNDELIVERED, why=str(error)))
        self._stopping = threading.Event()
        self._hurry = False
        self._token_due = 0.0
        self._token_fault = ""
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)

    def _made(self, name: str, told: KeySettings, known: Record) -> Keeping:
        """Put together what one key is kept by; raises DeliveryError."""
        source = told.source
        parts = Parts(
            name=name,
            host=self._host,
            source=sources.source(source, self._session),
            deliveries=[self._deliveries.make(one) for one in told.deliver],
            hands=self._hands,
            names=source.names if isinstance(source, PkiSource) else _names(told),
            every=source.poll if isinstance(source, KvSource) else math.inf,
        )
        return Keeping(told, parts, known, self._held.read(name, known))

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._session.requests

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hurry(self) -> None:
        """Look at every key anew."""
        self._hurry = True

    def stop(self) -> None:
        """Stop after what is being done, and give the token back if the settings say so."""
        self._stopping.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        while not self._stopping.wait(_TURN):
            if self._hurry:
                self._hurry = False
                for key in self._keys:
                    key.hurry()
            self._keep_token()
            for key in self._keys:
                self._turn(key)
        for key in self._keys:
            key.close()
        self._session.close()
        self._deliveries.close()

    def _turn(self, key: Keeping) -> None:
        before = key.record
        key.turn(time.time())
        if key.record != before:
            if key.record.version != before.version and key.held is not None:
                self._held.write(key.record.name, content(handed(key.held)))
            self._said.put(key.record)

    def _keep_token(self) -> None:
        """Renew the token when it is due, and say once when that fails or works again."""
        now = time.monotonic()
        if now < self._token_due:
            return
        try:
            self._token_due = now + self._session.keep()
            fault = ""
        except VaultError as error:
            self._token_due = now + 5.0
            fault = str(error)
        if fault != self._token_fault:
            self._token_fault = fault
            self._said.put(fault)


def _names(told: KeySettings) -> tuple[str, ...]:
    """Give the name that a kept certificate has to be for, where one is proven by it."""
    return (told.prove.name,) if told.prove and told.prove.name else ()


def _place(name: str, told: KeySettings) -> str:
    return told.prove.address if told.prove else f"key {name}"


def _stored(base: Base) -> dict[str, Record]:
    rows = base.ledger.base.execute("SELECT record FROM keys").fetchall()
    found = (packing.unpack(packed, Record) for (packed,) in rows)
    return {one.name: one for one in found}
