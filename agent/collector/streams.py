"""Follow each stream of a host: its numbers, what is missing, whether both sides agree. EDGE.

A host is out of step from the first missing number, or the first digest that is not right, until
the next digest that is. A role that lost its state begins a new stream; what only its old one told
ends when the new one agreed some time after it began: by then the role has looked at everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent import packing
from agent.collector import digests
from agent.collector.digests import Live
from agent.collector.sequence import Range, Sequence
from agent.findings import Status, Tracked, is_leak
from checks.errors import HygieneError

if TYPE_CHECKING:
    import sqlite3

    from agent.events import Event

_SETTLED: Final = 3600.0
"""Seconds of our own clock after which a new stream knows what its role can see."""
_MOST: Final = 64
"""Streams of one host that are followed; of more the earliest are forgotten."""
_WRONG: Final = "the digest differs"
_MISSING: Final = "events are missing"


class StreamError(HygieneError):
    """A stream that cannot be followed."""


class Stream:
    """One stream while a batch is applied. apart: since when out of step, 0 if not."""

    def __init__(self, number: int, host: int, role: str, numbers: Sequence, began: float) -> None:
        self.number, self.host, self.role = number, host, role
        self.numbers, self.began = numbers, began
        self.heard = self.agreed = self.apart = 0.0
        self.why = ""
        self.kept = numbers.missing
        """The missing numbers as the file has them."""

    def take(self, number: int, role: str, now: float) -> bool:
        """Note a number; False where it was there before; raises StreamError."""
        if role != self.role:
            raise StreamError("a stream that changes its role")
        self.heard = now
        fresh = self.numbers.take(number)
        if fresh and self.numbers.missing:
            self.differ(_MISSING, now)
        return fresh

    def differ(self, why: str, now: float) -> None:
        """Be out of step, since before if it was so already."""
        self.apart, self.why = self.apart or now, why

    def same(self, now: float) -> None:
        """Be in step."""
        self.numbers.heal()
        self.agreed, self.apart, self.why = now, 0.0, ""


def load(base: sqlite3.Connection, host: int, name: str, role: str, now: float) -> Stream:
    """Give a stream of a host, a new one if it is not known; raises StreamError."""
    row = base.execute(
        "SELECT number, role, began, last, heard, agreed, apart, why FROM streams"
        " WHERE host = ? AND name = ?",
        (host, name),
    ).fetchone()
    if row is None:
        return Stream(_begun(base, host, name, role, now), host, role, Sequence(), now)
    number, role, began, last, heard, agreed, apart, why = row
    found = base.execute("SELECT first, last FROM missing WHERE stream = ?", (number,))
    numbers = Sequence(last, tuple(Range(*one) for one in found))
    stream = Stream(number, host, role, numbers, began)
    stream.heard, stream.agreed, stream.apart, stream.why = heard, agreed, apart, why
    return stream


def _begun(base: sqlite3.Connection, host: int, name: str, role: str, now: float) -> int:
    base.execute(
        "DELETE FROM streams WHERE number IN (SELECT number FROM streams WHERE host = ?"
        " ORDER BY number DESC LIMIT -1 OFFSET ?)",
        (host, _MOST - 1),
    )
    cursor = base.execute(
        "INSERT INTO streams (host, name, role, began, heard, last) VALUES (?, ?, ?, ?, ?, 0)",
        (host, name, role, now, now),
    )
    return cursor.lastrowid or 0


def save(base: sqlite3.Connection, stream: Stream) -> None:
    """Write down where a stream is."""
    base.execute(
        "UPDATE streams SET heard = ?, last = ?, agreed = ?, apart = ?, why = ? WHERE number = ?",
        (stream.heard, stream.numbers.last, stream.agreed, stream.apart, stream.why, stream.number),
    )
    if stream.numbers.missing != stream.kept:
        base.execute("DELETE FROM missing WHERE stream = ?", (stream.number,))
        base.executemany(
            "INSERT INTO missing VALUES (?, ?, ?)",
            [(stream.number, *one) for one in stream.numbers.missing],
        )


def agree(base: sqlite3.Connection, stream: Stream, event: Event, now: float) -> None:
    """Compare a digest with what its stream told so far."""
    assert event.digest is not None
    rows = base.execute(
        "SELECT sequence, identity, status FROM findings"
        " WHERE host = ? AND role = ? AND stream = ? AND status IN ('open', 'removed')",
        (stream.host, stream.role, stream.number),
    )
    live = [Live(number, identity, Status(status)) for number, identity, status in rows]
    verdict = digests.compare(live, event.digest)
    if not verdict.right:
        stream.differ(_WRONG, now)
        return
    for identity in verdict.over:
        _end(base, stream, identity, "closed", now)
    stream.same(now)
    if now - stream.began >= _SETTLED:
        _supersede(base, stream, now)


def _supersede(base: sqlite3.Connection, stream: Stream, now: float) -> None:
    """End what only earlier streams of the role told; a leak stays, as removed."""
    earlier = (stream.host, stream.role, stream.number)
    rows = base.execute(
        "SELECT identity, known FROM findings WHERE host = ? AND role = ? AND stream < ?"
        " AND status IN ('open', 'suppressed')",
        earlier,
    ).fetchall()
    for identity, packed in rows:
        leak = is_leak(packing.unpack(packed, Tracked).finding)
        _end(base, stream, identity, Status.REMOVED if leak else "closed", now)
    old = "SELECT number FROM streams WHERE host = ? AND role = ? AND number < ?"
    base.execute(f"DELETE FROM missing WHERE stream IN ({old})", earlier)  # noqa: S608 - ours
    base.execute("DELETE FROM streams WHERE host = ? AND role = ? AND number < ?", earlier)


def hand_over(base: sqlite3.Connection, old: int, new: int, now: float) -> None:
    """End what only a host of before told, and keep its leaks, as removed, with another one."""
    rows = base.execute(
        "SELECT rowid, known FROM findings WHERE host = ? AND status IN ('open', 'suppressed')",
        (old,),
    ).fetchall()
    for row, packed in rows:
        leak = is_leak(packing.unpack(packed, Tracked).finding)
        base.execute(
            "UPDATE findings SET status = ?, changed = ? WHERE rowid = ?",
            (Status.REMOVED if leak else "closed", now, row),
        )
    base.execute(
        "UPDATE OR IGNORE findings SET host = ? WHERE host = ? AND status = 'removed'", (new, old)
    )


def _end(base: sqlite3.Connection, stream: Stream, identity: str, status: str, now: float) -> None:
    base.execute(
        "UPDATE findings SET status = ?, changed = ? WHERE host = ? AND role = ? AND identity = ?",
        (status, now, stream.host, stream.role, identity),
    )
