"""What every role has: state, a journal, a published status, signals, a budget. EDGE."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from agent import __version__, heap, powers, rolestatus, snapshot, usage
from agent import ledger as ledgers
from agent.diary import Diary
from agent.events import Dropped, Health, Kind
from agent.findings import Status
from agent.journal import JournalError, Writer
from agent.ledger import DamagedError, Ledger, LedgerError
from agent.roles.answering import Answering
from agent.roles.working import Working
from agent.rolestatus import Findings, RoleStatus
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.daemon import Life
    from agent.events import Gap
    from agent.roles.walls import Walls
    from agent.rolestatus import Tried
    from agent.settings import Settings

_FLUSH: Final = 0.05
"""Seconds between two hand-overs to the journal, each of which waits for the disk."""
_BEAT: Final = 5.0
_WALLS: Final = 60.0
_REQUESTS: Final = 1.0
_SOON: Final = 0.1
"""The same where another role may ask, and a service waits for it."""
_FREE: Final = 30.0
_PRUNE: Final = 30.0
_ALIVE: Final = 10.0
_MIB: Final = 1024 * 1024
_DAY: Final = 86_400.0
_UNTOLD: Final = 1000
"""Of what is to be told of the role itself while its state cannot be written; the latest stay."""


class Acknowledged(msgspec.Struct, frozen=True):
    """Up to which number of each stream every sink has the events."""

    streams: dict[str, int] = {}


class Loop(Protocol):
    """What a role does again and again."""

    def start(self) -> None:
        """Begin; the role is ready after it."""

    def turn(self) -> None:
        """Do what is due, and wait a little."""

    def stop(self) -> None:
        """End what was begun."""


class Base:
    """The common part of a role's process."""

    def __init__(self, name: str, settings: Settings, walls: Walls | None = None) -> None:
        """Open what is the role's own; a damaged state file is set aside and begun anew.

        walls: what this process is confined by, None where it is not. Raises LedgerError or
        JournalError where nothing can be written.
        """
        self.name, self.settings, self._walls = name, settings, walls
        self.folder = Path(powers.folder(settings, name))
        self.published = Path(powers.published(settings, name))
        self.published.mkdir(mode=0o750, parents=True, exist_ok=True)
        self.started = time.time()
        self.stopping = self.reloading = False
        self.faults: dict[str, str] = {}
        self.seen = math.inf
        """Before when the role has dealt with all that happened, inf for always."""
        self.tried: Tried | None = None
        due = ("beat", "flush", "publish", "prune", "alive", "digest", "requests", "walls", "free")
        self._next = dict.fromkeys(due, 0.0)
        asked = settings.keeps or settings.mend.folders
        self._requests = _SOON if asked else _REQUESTS
        self._load = usage.Load()
        self._untold: deque[tuple[float, Health]] = deque(maxlen=_UNTOLD)
        self._said: tuple[dict[str, int], Sequence[Gap]] = ({}, ())
        self._revision = -1
        self._reloads = 0
        self.ledger, damaged = self._opened(str(self.folder / "state.sqlite"))
        self.fresh = damaged or self.last_alive == 0
        """Nothing is known from before."""
        self.writer = Writer(str(self.folder / "journal"), self.ledger.stream, mode=0o640)
        self.ledger.begin_behind(self.writer.last)
        self.diary = Diary(self.published, name, self.faults)
        self.diary.note("started", name, __version__)
        self.working = Working(self.ledger, self.diary, self.faults)
        self.answering = Answering(
            self.folder, self.published, self.ledger, self.diary, self.faults
        )
        if damaged:
            self.tell("state rebuilt", "the state file was damaged and set aside")
        if walls is not None and walls.missing:
            self.faults["confinement"] = "; ".join(walls.missing)
            self.tell("not fully confined", self.faults["confinement"])

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
        self._reloads += 1

    def _keep_walls(self) -> None:
        """End, to be started anew, where a file that it may read was replaced by another.

        A policy or certificate that was renamed into its place is not the one that was allowed.
        """
        if self._walls is not None and not self._walls.stand:
            self.tell("starting anew", "a file that it may read was replaced")
            self.stopping = True

    def lead(self, loop: Loop, life: Life) -> None:
        """Go through a role's loop until it is told to stop."""
        try:
            loop.start()
            life.ready()
            while not self.stopping:
                loop.turn()
                self.beat(life)
        finally:
            loop.stop()
            self.close()

    def pause(self, most: float) -> float:
        """Give for how many seconds a role that is asked by others may wait; MOST otherwise."""
        return min(most, self._requests)

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
        """When this role was last known to run, and had dealt with all; 0 if never."""
        row = self.ledger.base.execute("SELECT value FROM meta WHERE name = 'alive'").fetchone()
        return float(row[0]) if row else 0.0

    # What goes out

    def tell(self, state: str, detail: str = "") -> None:
        """Report something about the role itself; what cannot be written now is told later."""
        self._untold.append((time.time(), Health(component=self.name, state=state, detail=detail)))
        self._tell()

    def _tell(self) -> None:
        try:
            while self._untold:
                at, health = self._untold[0]
                self.ledger.emit(Kind.HEALTH, at, health=health)
                self._untold.popleft()
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
        self._said = (numbers, gaps)
        while self._reloads:
            self._reloads -= 1
            self.diary.note("reloaded", self.name)
        self.diary.write()
        if self._is_due("requests", self._requests):
            self.answering.turn()
        if self._is_due("flush", _FLUSH):
            self._tell()
            self.flush()
        if self._is_due("alive", _ALIVE):
            self._alive()
        if self.reloading or self._is_due("walls", _WALLS):
            self._keep_walls()
        if self._is_due("prune", _PRUNE):
            self._prune()
        if self._is_due("digest", float(self.settings.outbox.digest)):
            with contextlib.suppress(LedgerError):
                self.working.digest()
        if self._is_due("publish", rolestatus.INTERVAL):
            self.publish(numbers, gaps)
        if self._is_due("free", _FREE):
            self.ledger.free()
            heap.give_back()

    def _alive(self) -> None:
        try:
            self.ledger.base.execute(
                "INSERT OR REPLACE INTO meta VALUES ('alive', ?)",
                (repr(min(time.time(), self.seen)),),
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

    # What it publishes

    def say(self) -> None:
        """Publish at once how the role is, since somebody waits for it."""
        self.publish(*self._said)

    def publish(
        self, numbers: dict[str, int], gaps: Sequence[Gap] = (), *, stopped: bool = False
    ) -> None:
        """Publish the role's status; where that cannot be written the one before stays.

        stopped: it is its last word.
        """
        counts = self.ledger.counts()
        cpu = usage.cpu()
        kept = self.working.kept
        status = RoleStatus(
            role=self.name,
            pid=os.getpid(),
            started=self.started,
            at=time.time(),
            namespace=rolestatus.namespace(),
            stopped=stopped,
            numbers=numbers,
            open=counts.open,
            removed=counts.removed,
            suppressed=counts.suppressed,
            severities={one.label: n for one, n in self.ledger.severities().items()},
            gaps=tuple(gaps[: rolestatus.SHOWN_GAPS]),
            more_gaps=max(len(gaps) - rolestatus.SHOWN_GAPS, 0),
            faults=tuple(f"{what}: {why}" for what, why in sorted(self.faults.items())),
            cpu=cpu,
            load=self._load.over(time.monotonic(), cpu),
            memory=usage.memory(),
            waiting=len(self.ledger.waiting()),
            policy=kept.active if kept else None,
            tried=self.tried,
            audit=self.diary.head,
        )
        with contextlib.suppress(SnapshotError):
            snapshot.write(self.published / rolestatus.STATUS, status)
            self._publish_findings()

    def _publish_findings(self) -> None:
        """Publish the worst findings, when something was reported since the last time."""
        revision = self.ledger.revision
        if revision == self._revision:
            return
        most = rolestatus.SHOWN_FINDINGS
        worst = Findings(
            at=time.time(),
            open=tuple(self.ledger.worst(Status.OPEN, most)),
            removed=tuple(self.ledger.worst(Status.REMOVED, most)),
        )
        snapshot.write(self.published / rolestatus.FINDINGS, worst)
        self._revision = revision

    def close(self) -> None:
        """Hand over what can be, say that it ends, and let go of everything."""
        self._alive()
        self.diary.note("stopped", self.name)
        self.flush()
        with contextlib.suppress(ledgers.SQLITE_ERROR):
            self.publish(*self._said, stopped=True)
        self.diary.close()
        self.writer.close()
        self.ledger.close()
