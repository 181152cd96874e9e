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

from agent import backoff, faults, journal, ledger, snapshot
from agent.journal import Damage, Record
from agent.sinks import Batch, Delivered, Retry
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.events import Event, Host
    from agent.sinks import Sink

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

    refused: events that it will never take, refusal: why, of the last one; damaged: places and
    records in journals that cannot be read.
    """

    name: str
    delivered: int = 0
    refused: int = 0
    at: float = 0
    failing: str = ""
    since: float = 0
    damaged: int = 0
    refusal: str = ""


class _Taken(NamedTuple):
    """What is next in a stream. unread: records up to `last` that hold no event."""

    events: tuple[Event, ...]
    stream: str
    last: int
    unread: int


class _Settled(NamedTuple):
    """How a batch went. taken, refused: how many of its events; why: of the last refusal."""

    retry: Retry | None = None
    taken: int = 0
    refused: int = 0
    why: str = ""

    def and_then(self, other: _Settled) -> _Settled:
        """Join what happened before with what happened next."""
        return _Settled(
            other.retry,
            self.taken + other.taken,
            self.refused + other.refused,
            other.why or self.why,
        )


def stored(state: Path, name: str) -> dict[str, int]:
    """Give up to which number a sink has each stream, as far as that was kept."""
    return dict((snapshot.read(state / f"cursor-{name}", Cursors) or Cursors()).streams)


class Carrier:
    """Carries events to one sink, in a thread of its own."""

    def __init__(self, name: str, sink: Sink, host: Host, folders: list[str], state: Path) -> None:
        """Keep where to take from and where to bring; nothing is carried yet."""
        self._sink, self._folders = sink, folders
        self.host = host
        """Who speaks in what is delivered from now on."""
        self._path = state / f"cursor-{name}"
        self._cursors = stored(state, name)
        self._progress = Progress(name)
        self._damaged: set[tuple[str, int]] = set()
        self._unread = 0
        self._failures = 0
        self._first = 0
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

    def ask_to_stop(self) -> None:
        """Ask to end after what is being done."""
        self._stopping = True
        self._wake.set()

    def stop(self, patience: float) -> None:
        """Ask to end, and wait for a while; a sink that does not answer is left behind."""
        self.ask_to_stop()
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
            try:
                pause = self._step()
            except Exception as error:  # noqa: BLE001 - a fault of ours must not end the carrying
                pause = self._failed(Retry(faults.where(error)))
            self._rest(pause)
        self._sink.close()

    def _step(self) -> float:
        """Carry what is next, if anything; give the seconds to wait."""
        taken = next(self._waiting(), None)
        if taken is not None:
            return self._carry(taken)
        self._wake.wait(_ANYWAY)
        self._wake.clear()
        return 0

    def _rest(self, pause: float) -> None:
        end = time.monotonic() + pause
        while not self._stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))

    def _waiting(self) -> Iterator[_Taken]:
        """Give the next events of each stream that has any, the oldest stream of a role first.

        Each time another role's come first: one that has much to say must not silence the others.
        """
        self._first = (self._first + 1) % max(len(self._folders), 1)
        for folder in (*self._folders[self._first :], *self._folders[: self._first]):
            for stream in journal.streams(folder):
                taken = self._next(folder, stream)
                if taken.last > self._cursors.get(stream, 0):
                    yield taken

    def _next(self, folder: str, stream: str) -> _Taken:
        records: list[Record] = []
        size = 0
        for found in journal.read(folder, stream, self._cursors.get(stream, 0)):
            if isinstance(found, Damage):
                self._damaged.add((found.segment, found.behind))
                continue
            records.append(found)
            size += len(found.content)
            if len(records) == _MOST or size > _MOST_BYTES:
                break
        self._count_damage()
        last = records[-1].sequence if records else 0
        events = tuple(ledger.told(records))
        return _Taken(events, stream, last, len(records) - len(events))

    def _count_damage(self) -> None:
        self._progress = self._progress._replace(damaged=len(self._damaged) + self._unread)

    def _carry(self, taken: _Taken) -> float:
        """Deliver, and give the seconds to wait before the next try."""
        settled = self._settled(taken.events)
        if settled.retry is not None:
            return self._failed(settled.retry)
        if settled.refused and not settled.taken:
            # Not one of them: that is how it is set up, and what it will take is not known yet.
            return self._failed(Retry(f"everything is refused: {settled.why}"))
        self._failures = 0
        self._unread += taken.unread
        self._count_damage()
        self._cursors[taken.stream] = taken.last
        self._progress = self._progress._replace(
            delivered=self._progress.delivered + settled.taken,
            refused=self._progress.refused + settled.refused,
            refusal=settled.why or self._progress.refusal,
            at=time.time() if settled.taken else self._progress.at,
            failing="",
            since=0,
        )
        try:
            snapshot.write(self._path, Cursors(self._cursors), mode=0o600)
        except SnapshotError as error:  # they will be sent again after a restart
            self._progress = self._progress._replace(failing=str(error), since=time.time())
        return 0

    def _settled(self, events: tuple[Event, ...]) -> _Settled:
        """Deliver, in ever smaller parts where something is refused."""
        if not events:
            return _Settled()
        outcome = self._sink.deliver(Batch(self.host, events))
        if isinstance(outcome, Retry):
            return _Settled(retry=outcome)
        if isinstance(outcome, Delivered):
            return _Settled(taken=len(events))
        if len(events) == 1:
            return _Settled(refused=1, why=outcome.reason)
        half = len(events) // 2
        first = self._settled(events[:half])
        return first if first.retry else first.and_then(self._settled(events[half:]))

    def _failed(self, outcome: Retry) -> float:
        self._failures += 1
        since = self._progress.since or time.time()
        self._progress = self._progress._replace(failing=outcome.reason, since=since)
        wait = backoff.delay(self._failures, self._rng, longest=_LONGEST)
        return max(wait, min(outcome.after, 10 * _LONGEST))
