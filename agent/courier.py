"""Take events from the roles' journals to one sink: in order, again until it has them. EDGE.

Where a sink has got to in each stream is kept in a file of its own, written after the sink said
that it has them: whoever receives may get an event twice, with the same id, and never not at all.
"""

from __future__ import annotations

import os
import threading
import time
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import backoff, journal, ledger, snapshot
from agent.journal import Damage, Record
from agent.sinks import Batch, Delivered, Refused, Retry
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.events import Event, Host
    from agent.sinks import Outcome, Sink

_MOST: Final = 500
_MOST_BYTES: Final = 512 * 1024
_LONGEST: Final = 300.0
_ANYWAY: Final = 15.0
"""Seconds after which a carrier looks for events that nobody told it of."""


class Cursors(msgspec.Struct, frozen=True):
    """Up to which number a sink has the events of each stream."""

    streams: dict[str, int] = {}


class Progress(NamedTuple):
    """How a sink does. at: of its last success, 0 for none; failing: why it fails now, "" if not.

    refused: events that it will never take; damaged: places in journals that cannot be read.
    """

    name: str
    delivered: int = 0
    refused: int = 0
    at: float = 0
    failing: str = ""
    since: float = 0
    damaged: int = 0


class _Taken(NamedTuple):
    events: tuple[Event, ...]
    stream: str
    last: int


class Carrier:
    """Carries events to one sink, in a thread of its own."""

    def __init__(self, name: str, sink: Sink, host: Host, folders: list[str], state: Path) -> None:
        """Keep where to take from and where to bring; nothing is carried yet."""
        self._sink, self._host, self._folders = sink, host, folders
        self._path = state / f"cursor-{name}"
        self._cursors = dict((snapshot.read(self._path, Cursors) or Cursors()).streams)
        self._progress = Progress(name)
        self._damaged: set[tuple[str, int]] = set()
        self._failures = 0
        self._rng = Random(os.urandom(16))  # noqa: S311 - spreads retries, guards nothing
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"sink {name}", daemon=True)

    def start(self) -> None:
        """Begin to carry."""
        self._thread.start()

    def wake(self) -> None:
        """Tell that there may be something to carry."""
        self._wake.set()

    def stop(self, patience: float) -> None:
        """Ask to end, and wait for a while; a sink that does not answer is left behind."""
        self._stopping = True
        self._wake.set()
        self._thread.join(patience)

    @property
    def progress(self) -> Progress:
        """How it goes."""
        return self._progress

    @property
    def cursors(self) -> dict[str, int]:
        """Up to which number the sink has each stream."""
        return dict(self._cursors)

    def _run(self) -> None:
        while not self._stopping:
            taken = next(self._waiting(), None)
            if taken is None:
                self._wake.wait(_ANYWAY)
                self._wake.clear()
                continue
            pause = self._carry(taken)
            end = time.monotonic() + pause
            while not self._stopping and (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.5))
        self._sink.close()

    def _waiting(self) -> Iterator[_Taken]:
        """Give the next events of each stream that has any, the oldest stream of a role first."""
        for folder in self._folders:
            for stream in journal.streams(folder):
                taken = self._next(folder, stream)
                if taken.last > self._cursors.get(stream, 0):
                    yield taken

    def _next(self, folder: str, stream: str) -> _Taken:
        records: list[Record] = []
        size = 0
        for found in journal.read(folder, stream, self._cursors.get(stream, 0)):
            if isinstance(found, Damage):
                self._note(found)
                continue
            records.append(found)
            size += len(found.content)
            if len(records) == _MOST or size > _MOST_BYTES:
                break
        last = records[-1].sequence if records else 0
        return _Taken(tuple(ledger.told(records)), stream, last)

    def _note(self, damage: Damage) -> None:
        self._damaged.add((damage.segment, damage.behind))
        self._progress = self._progress._replace(damaged=len(self._damaged))

    def _carry(self, taken: _Taken) -> float:
        """Deliver, and give the seconds to wait before the next try."""
        outcome = self._delivered(taken.events)
        refused = 0
        if isinstance(outcome, Refused):
            outcome, refused = self._singly(taken.events)
        if isinstance(outcome, Retry):
            return self._failed(outcome)
        self._failures = 0
        self._cursors[taken.stream] = taken.last
        self._progress = self._progress._replace(
            delivered=self._progress.delivered + len(taken.events) - refused,
            refused=self._progress.refused + refused,
            at=time.time(),
            failing="",
            since=0,
        )
        try:
            snapshot.write(self._path, Cursors(self._cursors), mode=0o600)
        except SnapshotError as error:  # they will be sent again after a restart
            self._progress = self._progress._replace(failing=str(error), since=time.time())
        return 0

    def _delivered(self, events: tuple[Event, ...]) -> Outcome:
        return self._sink.deliver(Batch(self._host, events)) if events else Delivered()

    def _singly(self, events: tuple[Event, ...]) -> tuple[Outcome, int]:
        """Deliver one by one, leaving out what is refused; stop where it has to be tried again."""
        refused = 0
        for event in events:
            outcome = self._delivered((event,))
            if isinstance(outcome, Retry):
                return outcome, refused
            refused += isinstance(outcome, Refused)
        return Delivered(), refused

    def _failed(self, outcome: Retry) -> float:
        self._failures += 1
        since = self._progress.since or time.time()
        self._progress = self._progress._replace(failing=outcome.reason, since=since)
        wait = backoff.delay(self._failures, self._rng, longest=_LONGEST)
        return max(wait, min(outcome.after, 10 * _LONGEST))
