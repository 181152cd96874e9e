"""What every role has: state, a journal, a published status, signals, a budget. EDGE."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from agent import ledger as ledgers
from agent import powers, snapshot
from agent.events import Dropped, Health, Kind
from agent.journal import JournalError, Writer
from agent.ledger import DamagedError, Ledger, LedgerError
from agent.rolestatus import RoleStatus
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.daemon import Life
    from agent.events import Gap
    from agent.settings import Settings

_FLUSH: Final = 0.05
"""Seconds between two hand-overs to the journal, each of which waits for the disk."""
_BEAT: Final = 5.0
_PUBLISH: Final = 5.0
_PRUNE: Final = 30.0
_ALIVE: Final = 10.0
_MIB: Final = 1024 * 1024
_DAY: Final = 86_400.0
_SHOWN_GAPS: Final = 50


class Acknowledged(msgspec.Struct, frozen=True):
    """Up to which number of each stream every sink has the events."""

    streams: dict[str, int] = {}


class Base:
    """The common part of a role's process."""

    def __init__(self, name: str, settings: Settings) -> None:
        """Open what is the role's own; a damaged state file is set aside and begun anew.

        Raises LedgerError or JournalError where nothing can be written.
        """
        self.name, self.settings = name, settings
        self.folder = Path(powers.folder(settings, name))
        self.published = Path(powers.published(settings, name))
        self.published.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.started = time.time()
        self.stopping = self.reloading = False
        self.faults: dict[str, str] = {}
        self._next = dict.fromkeys(("beat", "flush", "publish", "prune", "alive", "digest"), 0.0)
        self.ledger, damaged = self._opened(str(self.folder / "state.sqlite"))
        self.fresh = damaged or self.last_alive == 0
        """Nothing is known from before."""
        self.writer = Writer(str(self.folder / "journal"), self.ledger.stream, mode=0o640)
        if damaged:
            self.tell("state rebuilt", "the state file was damaged and set aside")

    def _opened(self, path: str) -> tuple[Ledger, bool]:
        try:
            return Ledger(path, self.name), False
        except DamagedError:
            ledgers.set_aside(path, time.time())
            return Ledger(path, self.name), True

    # Signals and time

    def listen(self) -> None:
        """Stop on SIGTERM and SIGINT, reload on SIGHUP: at the next turn of the loop."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._reload)

    def _stop(self, _number: int, _frame: object) -> None:
        self.stopping = True

    def _reload(self, _number: int, _frame: object) -> None:
        self.reloading = True

    def beat(self, life: Life) -> None:
        """Tell who started this role that it lives, now and then."""
        if self._is_due("beat", _BEAT):
            life.beat()

    def _is_due(self, what: str, every: float) -> bool:
        now = time.monotonic()
        if now < self._next[what]:
            return False
        self._next[what] = now + every
        return True

    @property
    def last_alive(self) -> float:
        """When this role was last known to run, 0 if never."""
        row = self.ledger.base.execute("SELECT value FROM meta WHERE name = 'alive'").fetchone()
        return float(row[0]) if row else 0.0

    # What goes out

    def tell(self, state: str, detail: str = "") -> None:
        """Report something about the role itself; where that cannot be written it is a fault."""
        health = Health(component=self.name, state=state, detail=detail)
        try:
            self.ledger.emit(Kind.HEALTH, time.time(), health=health)
        except LedgerError as error:
            self.faults["state"] = str(error)

    def flush(self) -> None:
        """Hand over what is waiting to the journal; what cannot be written stays where it is."""
        try:
            while records := self.ledger.waiting():
                self.writer.append(records)
                self.ledger.written(records[-1].sequence)
            self.faults.pop("state", None)
        except (JournalError, LedgerError) as error:
            self.faults["state"] = str(error)

    def care(self, numbers: dict[str, int], gaps: Sequence[Gap] = ()) -> None:
        """Do what has to be done now and then: hand over, publish, prune, digest, be alive."""
        if self._is_due("flush", _FLUSH):
            self.flush()
        if self._is_due("alive", _ALIVE):
            self._alive()
        if self._is_due("prune", _PRUNE):
            self._prune()
        if self._is_due("digest", float(self.settings.outbox.digest)):
            with contextlib.suppress(LedgerError):
                self.ledger.digest(time.time(), 0)
        if self._is_due("publish", _PUBLISH):
            self.publish(numbers, gaps)

    def _alive(self) -> None:
        try:
            self.ledger.base.execute(
                "INSERT OR REPLACE INTO meta VALUES ('alive', ?)", (repr(time.time()),)
            )
        except ledgers.SQLITE_ERROR as error:
            self.faults["state"] = str(error)

    def _prune(self) -> None:
        """Delete what every sink has, and give up the oldest of what is too much or too old."""
        place = Path(powers.published(self.settings, "courier")) / "acknowledged"
        taken = snapshot.read(place, Acknowledged) or Acknowledged()
        kept = self.settings.outbox
        oldest = time.time() - kept.days * _DAY
        with contextlib.suppress(OSError):
            self.writer.forget(taken.streams)
            for path in self.writer.crowded(kept.mib * _MIB, oldest):
                count, first, last = self.writer.give_up(path, taken.streams)
                if count:
                    why = "nobody took them in time"
                    dropped = Dropped(count=count, first=first, last=last, reason=why)
                    with contextlib.suppress(LedgerError):
                        self.ledger.emit(Kind.DROPPED, time.time(), dropped=dropped)

    def publish(self, numbers: dict[str, int], gaps: Sequence[Gap] = ()) -> None:
        """Publish the role's status; where that cannot be written the one before stays."""
        counts = self.ledger.counts()
        status = RoleStatus(
            role=self.name,
            pid=os.getpid(),
            started=self.started,
            at=time.time(),
            numbers=numbers,
            open=counts.open,
            removed=counts.removed,
            suppressed=counts.suppressed,
            gaps=tuple(gaps[:_SHOWN_GAPS]),
            faults=tuple(f"{what}: {why}" for what, why in sorted(self.faults.items())),
            cpu=_cpu(),
            memory=_memory(),
            waiting=len(self.ledger.waiting()),
        )
        with contextlib.suppress(SnapshotError):
            snapshot.write(self.published / "status", status)

    def close(self) -> None:
        """Hand over what can be, and let go of everything."""
        self._alive()
        self.flush()
        self.writer.close()
        self.ledger.close()


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(sum(one.ru_utime + one.ru_stime for one in used), 3)


def _memory() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
