"""The keeper: fetches keys from Vault, delivers them, and has it proven that they are served. EDGE.

It holds the token and the keys, in memory alone. It reads no file of the host, reloads nothing by
itself and reaches nothing but Vault.
"""

from __future__ import annotations

import contextlib
import math
import queue
import threading
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent import comparekey, hostid, packing, snapshot
from agent.deliver import Deliveries, DeliveryError, content
from agent.findings import Look
from agent.home import StateError
from agent.keysettings import KvSource, LeaseSource, PkiSource
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.requests import Rotate
from agent.roles.base import Base
from agent.snapshot import SnapshotError
from agent.vault import advice, heldkeys, judging, rotations, sources
from agent.vault.errors import VaultError
from agent.vault.hands import Asking
from agent.vault.joins import Joins
from agent.vault.keeping import Keeping, Parts
from agent.vault.known import Known
from agent.vault.places import handed
from agent.vault.record import Record
from agent.vault.rotations import Outcome, Rotations
from agent.vault.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.daemon import Life
    from agent.keysettings import KeySettings
    from agent.requests import Request
    from agent.roles.walls import Walls
    from agent.settings import Settings
    from checks.redact import FingerprintKey

NAME: Final = "keeper"
KEYS: Final = "keys"
"""The name of the snapshot that says how each key is."""
_TURN: Final = 0.25
_LOGIN: Final = "login"
_HELD: Final = "not kept over a restart"
_KNOWN: Final = "known secrets"
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
        self._rotations = Rotations(self._records.values())
        base.answering.does["rotate"] = self._rotate
        self._said: queue.SimpleQueue[Record | Outcome | str] = queue.SimpleQueue()
        key = _compare_key(base)
        self._worker = Worker(base.settings, self._records, self._said, key)
        self._joins = Joins(base, key.id if key else "")
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
        known = self._worker.known
        self._joins.turn(known.holdings if known else (), whole=known is not None and known.whole)
        if known:
            self._base.faults.pop(_KNOWN, None)
            if known.fault:
                self._base.faults[_KNOWN] = known.fault
        self._base.faults.pop(_HELD, None)
        if self._worker.unkept:
            self._base.faults[_HELD] = self._worker.unkept
        self._base.care({"keys": len(self._base.settings.keys), "requests": self._worker.requests})
        if self._base.reloading:
            self._base.reloading = False
            self._worker.hurry()
        if self._worker.ended:
            self._base.tell("starting anew", f"keeping keys ended: {self._worker.ended}")
            self._base.stopping = True

    def _rotate(self, asked: Request) -> tuple[str, bool] | None:
        """Have a key got anew; None until it is known what came of that."""
        assert isinstance(asked, Rotate)
        if asked.key not in self._base.settings.keys:
            return "no such key in the bootstrap file as the keeper has read it", False
        if told := self._rotations.told(asked, time.time()):
            return told.said, told.done
        if self._rotations.begin(asked.key):
            self._worker.rotate(asked.key)
        return None

    def _take(self, said: Record | Outcome | str) -> None:
        """Keep how a key is now, what came of a rotation, or what is wrong with the login."""
        if isinstance(said, Outcome):
            self._rotations.take(said)
            return
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
        self._joins.took(said)

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
        said: queue.SimpleQueue[Record | Outcome | str],
        key: FingerprintKey | None = None,
    ) -> None:
        """Keep what to work on; nothing is asked yet. key: that values are compared by."""
        self._settings, self._said = settings, said
        self._host = hostid.host(settings).id
        self._session = Session(settings.vault, self._host)
        secrets = settings.vault.known
        self.known = Known(secrets, self._session, self._host, key) if key and secrets else None
        """What leaks are compared with."""
        self._held = heldkeys.Held(settings.vault.folder)
        self._deliveries = Deliveries(settings.vault.folder)
        self._stopping = threading.Event()
        self._hands = Asking(settings, self._stopping)
        self._keys: list[Keeping] = []
        self._unmade: dict[str, Record] = {}
        for name, told in settings.keys.items():
            known = records.get(name, Record(name=name))
            try:
                self._keys.append(self._made(name, told, known))
            except DeliveryError as error:  # the other keys are kept all the same
                why = str(error)
                wrong = msgspec.structs.replace(known, fault=advice.UNDELIVERED, why=why)
                self._unmade[name] = wrong
                said.put(wrong)
        self._hurry = False
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._token_due = 0.0
        self._token_fault = ""
        self.ended = ""
        """What ended the work, which nothing should, "" for nothing."""
        self._thread = threading.Thread(target=self._run, name="keys", daemon=True)

    def _made(self, name: str, told: KeySettings, known: Record) -> Keeping:
        """Put together what one key is kept by; raises DeliveryError."""
        source = told.source
        parts = Parts(
            name=name,
            host=self._host,
            source=sources.source(source, self._session),
            deliveries=[self._deliveries.make(one, name) for one in told.deliver],
            hands=self._hands,
            names=source.names if isinstance(source, PkiSource) else _names(told),
            every=source.poll if isinstance(source, KvSource) else math.inf,
        )
        return Keeping(told, parts, known, self._held.read(name, known))

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._session.requests

    @property
    def unkept(self) -> str:
        """Why a restart would have to fetch keys again, "" if it has not."""
        return self._held.fault

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hurry(self) -> None:
        """Look at every key anew."""
        self._hurry = True

    def rotate(self, name: str) -> None:
        """Get a key anew, and say what came of that."""
        self._wanted.put(name)

    def stop(self) -> None:
        """Stop, and give the token back if the settings say so.

        Nobody is waited for any more: what is not proven yet makes way for the one before.
        """
        self._stopping.set()
        self._thread.join(10.0)

    def _run(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - else it ends unseen, and its text may hold a key
            self.ended = type(error).__name__

    def _keep(self) -> None:
        while not self._stopping.wait(_TURN):
            if self._hurry:
                self._hurry = False
                self._session.hurry()
                for key in self._keys:
                    key.hurry()
                if self.known:
                    self.known.hurry()
            self._keep_token()
            if self.known:
                self.known.turn(time.time())
            self._rotate_wanted()
            for key in self._keys:
                self._turn(key)
        for key in self._keys:
            key.close()
        self._session.close()
        self._deliveries.close()

    def _rotate_wanted(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._rotated(self._wanted.get_nowait())

    def _rotated(self, name: str) -> None:
        """Get one key anew; one that could not be set up at all says why."""
        began = time.time()
        key = next((one for one in self._keys if one.record.name == name), None)
        before = after = key.record if key else self._unmade[name]
        if key:
            self._session.hurry()
            self._do(key, key.rotate, began)
            after = key.record
        self._said.put(rotations.outcome(before, after, began, time.time()))

    def _turn(self, key: Keeping) -> None:
        self._do(key, key.turn, time.time())

    def _do(self, key: Keeping, what: Callable[[float], object], now: float) -> None:
        """Do something for a key, and say how it is if that changed."""
        before = key.record
        what(now)
        if key.record != before:
            if key.record.version != before.version and key.held is not None:
                self._held.write(key.record, content(handed(key.held)))
            self._said.put(key.record)

    def _keep_token(self) -> None:
        """Renew the token when it is due, and say once when that fails or works again."""
        now = time.monotonic()
        if now < self._token_due:
            return
        try:
            self._token_due = now + self._session.keep(self._wanted_in())
            fault = ""
        except VaultError as error:
            self._token_due = now + 5.0
            fault = str(error)
        if fault != self._token_fault:
            self._token_fault = fault
            self._said.put(fault)

    def _wanted_in(self) -> float:
        """Give the seconds until a key asks for something; a lease ends with its token."""
        leases = any(isinstance(one.source, LeaseSource) for one in self._settings.keys.values())
        if self.known or leases or not self._keys:
            return 0.0
        return max(min(one.record.due for one in self._keys) - time.time(), 0.0)


def _compare_key(base: Base) -> FingerprintKey | None:
    """Give the key that the watcher fingerprints leaks by too; without it nothing is compared."""
    try:
        return comparekey.made(base.settings.vault.folder)
    except StateError as error:
        base.faults[_KNOWN] = f"no values are compared: {error}"
        return None


def _names(told: KeySettings) -> tuple[str, ...]:
    """Give the name that a kept certificate has to be for, where one is proven by it."""
    return (told.prove.name,) if told.prove and told.prove.name else ()


def _place(name: str, told: KeySettings) -> str:
    return told.prove.address if told.prove else f"key {name}"


def _stored(base: Base) -> dict[str, Record]:
    rows = base.ledger.base.execute("SELECT record FROM keys").fetchall()
    found = (packing.unpack(packed, Record) for (packed,) in rows)
    return {one.name: one for one in found}
