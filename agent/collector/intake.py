"""Apply one batch to what is known of a host; whoever calls makes it a transaction. EDGE.

An event is applied once, by its number in its stream. Of each finding the event with the highest
number holds, in whatever order they come; a stream that began later goes before an earlier one of
the same role, which has lost its state.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import packing
from agent.collector import happenings, place, streams, trails
from agent.events import Kind
from agent.findings import Status, Tracked

if TYPE_CHECKING:
    import sqlite3

    from agent.collector.batch import Batch, Numbered
    from agent.collector.streams import Stream

CLOSED: Final = "closed"
_DAY: Final = 86_400
_MAKING_ROOM: Final = 1_000
_COUNT: Final = (  # a host that calls itself by many installations is kept no more of
    "SELECT count(*) FROM findings WHERE host IN (SELECT one.host FROM installations AS one"
    " JOIN installations AS its ON its.claimed = one.claimed WHERE its.host = ?)"
)
_STATUS: Final = {
    Kind.OPENED: Status.OPEN,
    Kind.REMOVED: Status.REMOVED,
    Kind.SUPPRESSED: Status.SUPPRESSED,
}


class Taken(NamedTuple):
    """events: in the batch; fresh: of these the ones that were not here before."""

    events: int
    fresh: int


def apply(base: sqlite3.Connection, host: int, batch: Batch, now: float, most: int) -> Taken:
    """Take in a batch of a host. most: findings kept of one host; raises StreamError."""
    work = _Intake(base, host, now, most)
    for one in batch.events:
        work.take(one)
    return work.finish(len(batch.events))


class _Intake:
    """One batch at work."""

    def __init__(self, base: sqlite3.Connection, host: int, now: float, most: int) -> None:
        self._base, self._host, self._now, self._most = base, host, now, most
        self._streams: dict[str, Stream] = {}
        self._counts: Counter[str] = Counter()
        self._fresh = self._dropped = self._left_out = 0
        self._known = -1
        """Findings of this host, counted when one is added."""

    def take(self, one: Numbered) -> None:
        """Apply one event, unless it was here before."""
        stream = self._streams.get(one.stream)
        if stream is None:
            stream = streams.load(self._base, self._host, one.stream, one.event.role, self._now)
            self._streams[one.stream] = stream
        newest = one.sequence > stream.numbers.last
        if not stream.take(one.sequence, one.event.role, self._now):
            return
        self._fresh += 1
        kind = one.event.kind
        if one.event.audit is not None:
            trails.note(self._base, self._host, one.event.audit, self._now)
        if one.event.finding is not None:
            self._finding(stream, one)
        elif kind is Kind.DIGEST:
            if newest:  # else what is known already is not what it was made from
                streams.agree(self._base, stream, one.event, self._now)
        elif kind is Kind.DROPPED and one.event.dropped:
            self._dropped += one.event.dropped.count
        else:
            happenings.note(self._base, self._host, one)

    def _finding(self, stream: Stream, one: Numbered) -> None:
        finding, event = one.event.finding, one.event
        assert finding is not None
        key = (self._host, event.role, finding.identity)
        before = self._base.execute(
            "SELECT status, stream, sequence FROM findings"
            " WHERE host = ? AND role = ? AND identity = ?",
            key,
        ).fetchone()
        if before and (before[1], before[2]) > (stream.number, one.sequence):
            return
        if before is None and not self._room():
            return
        status = _status(one)
        self._count(before[0] if before else CLOSED, status)
        tracked = Tracked(
            finding=place.bounded(finding),
            status=Status.OPEN if status == CLOSED else Status(status),
            first_seen=event.first_seen,
            last_seen=event.last_seen,
            suppression=event.suppression,
        )
        opened = min(event.first_seen or event.at, self._now)  # a clock ahead makes nothing younger
        self._base.execute(
            "INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(*key, stream.number, one.sequence, status, finding.check, int(finding.severity)),
                *(place.fault(finding), opened, self._now, packing.pack(tracked)),
            ),
        )

    def _room(self) -> bool:
        """Say whether one more finding of this host is kept; what is closed makes room."""
        if self._known < 0:
            [[self._known]] = self._base.execute(_COUNT, (self._host,))
        if self._known >= self._most:
            self._known -= self._base.execute(
                "DELETE FROM findings WHERE rowid IN (SELECT rowid FROM findings"
                " WHERE host = ? AND status = 'closed' ORDER BY changed LIMIT ?)",
                (self._host, _MAKING_ROOM),
            ).rowcount
        if self._known >= self._most:
            self._left_out += 1
            return False
        self._known += 1
        return True

    def _count(self, before: str, after: str) -> None:
        if before == after:
            return
        if after == Status.OPEN:
            self._counts["opened"] += 1
        elif before == Status.OPEN:
            self._counts["ended"] += 1

    def finish(self, events: int) -> Taken:
        """Write down what the batch did to streams, host and trend."""
        for stream in self._streams.values():
            streams.save(self._base, stream)
        self._base.execute(
            "UPDATE hosts SET events = events + ?, repeated = repeated + ?, dropped = dropped + ?,"
            " left_out = left_out + ? WHERE number = ?",
            (self._fresh, events - self._fresh, self._dropped, self._left_out, self._host),
        )
        add(self._base, self._now, self._counts)
        return Taken(events, self._fresh)


def _status(one: Numbered) -> str:
    kind = one.event.kind
    if kind is Kind.CHANGED:
        return Status.SUPPRESSED if one.event.suppression else Status.OPEN
    return _STATUS.get(kind, CLOSED)


def add(base: sqlite3.Connection, now: float, counts: Counter[str]) -> None:
    """Add to what happened on the day."""
    base.executemany(
        "INSERT INTO trend VALUES (?, ?, ?)"
        " ON CONFLICT (day, what) DO UPDATE SET count = count + excluded.count",
        [(int(now) // _DAY, what, count) for what, count in counts.items()],
    )
