"""The keeper: fetches keys from Vault, delivers them, and has it proven that they are served. EDGE.

It holds the token and the keys, in memory alone. It reads no file of the host, reloads nothing by
itself and reaches nothing but Vault. A thread of its own does that, `vault/worker.py`; here what it
says of each key is taken in, judged and published.
"""

from __future__ import annotations

import math
import queue
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent import comparekey, packing, snapshot
from agent.findings import Look
from agent.home import StateError
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.requests import Rotate
from agent.roles.base import Base
from agent.snapshot import SnapshotError
from agent.vault import judging
from agent.vault.joins import Joins
from agent.vault.record import Record
from agent.vault.rotations import Outcome, Rotations
from agent.vault.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_DELIVERED: Final = "deliveries"
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
            self._tell(_KNOWN, known.fault)
        self._tell(_HELD, self._worker.unkept)
        self._tell(_DELIVERED, "; ".join(self._worker.warnings))
        self._base.care({"keys": len(self._base.settings.keys), "requests": self._worker.requests})
        if self._base.reloading:
            self._base.reloading = False
            self._worker.hurry()
        if self._worker.ended:
            self._base.tell("starting anew", f"keeping keys ended: {self._worker.ended}")
            self._base.stopping = True

    def _tell(self, what: str, why: str) -> None:
        """Have the status show that something is wrong, "" for nothing."""
        self._base.faults.pop(what, None)
        if why:
            self._base.faults[what] = why

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
            self._tell(_LOGIN, said)
            if said:
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


def _compare_key(base: Base) -> FingerprintKey | None:
    """Give the key that the watcher fingerprints leaks by too; without it nothing is compared."""
    try:
        return comparekey.made(base.settings.vault.folder)
    except StateError as error:
        base.faults[_KNOWN] = f"no values are compared: {error}"
        return None


def _place(name: str, told: KeySettings) -> str:
    return told.prove.address if told.prove else f"key {name}"


def _stored(base: Base) -> dict[str, Record]:
    rows = base.ledger.base.execute("SELECT record FROM keys").fetchall()
    found = (packing.unpack(packed, Record) for (packed,) in rows)
    return {one.name: one for one in found}
