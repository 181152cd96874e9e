"""Read what one host sent: a report a line (agent/envelope.py), hostile until proved. Pure.

A batch is taken whole or not at all.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import envelope
from agent.envelope import EnvelopeError
from agent.events import Host, Kind
from agent.output.jsonout import text
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.envelope import Received
    from agent.events import Event
    from checks.model import Finding

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of a batch without its compression."""

MOST_EVENTS: Final = 5_000
_MOST_LINES: Final = 2 * MOST_EVENTS
_CHUNK: Final = 256 * 1024
_ID: Final = re.compile(r"([0-9a-f]{32})-([1-9][0-9]{0,17})")
_RANDOM: Final = re.compile(r"([0-9a-f]{32})?")
_ROLE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LAST_TIME: Final = 1e11
_LARGEST: Final = 1 << 53
_LABELS: Final = 64
_NEEDS: Final = {
    Kind.OPENED: "finding",
    Kind.CHANGED: "finding",
    Kind.REMOVED: "finding",
    Kind.RESOLVED: "finding",
    Kind.SUPPRESSED: "finding",
    Kind.GAP: "gap",
    Kind.HEALTH: "health",
    Kind.DIGEST: "digest",
    Kind.DROPPED: "dropped",
    Kind.AUDIT: "audit",
}


class BatchError(HygieneError):
    """A batch that is not taken. status: of HTTP, 400 for what is wrong, 413 for too much."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Numbered(NamedTuple):
    """An event with its place: the sequence number in its stream."""

    stream: str
    sequence: int
    event: Event


class Batch(NamedTuple):
    """What one host sent at once, in the order in which it stands."""

    host: Host
    events: tuple[Numbered, ...]
    size: int
    """Bytes without compression."""


def read(body: bytes, encoding: str) -> Batch:
    """Decode a body. encoding: "gzip" or "", as its header says; raises BatchError."""
    if encoding not in {"", "identity", "gzip"}:
        raise BatchError("content-encoding: expected gzip or none", 415)
    chunks = _unpacked(body) if encoding == "gzip" else _plain(body)
    host: Host | None = None
    events: list[Numbered] = []
    size = 0
    for number, line in enumerate(_lines(chunks), 1):
        size += len(line)
        own = _decoded(line, number)
        if host is None:
            host = _checked_host(own.host)
        elif own.host.id != host.id:
            raise BatchError(f"line {number}: speaks for another host than line 1")
        events.append(_checked(own.event, number))
        if len(events) > MOST_EVENTS:
            raise BatchError(f"more than {MOST_EVENTS} events", 413)
    if host is None:
        raise BatchError("no events")
    return Batch(host, tuple(events), size)


def _plain(body: bytes) -> Iterator[bytes]:
    if len(body) > MOST_BYTES:
        raise BatchError(f"larger than {MOST_BYTES} bytes", 413)
    yield body


def _unpacked(body: bytes) -> Iterator[bytes]:
    """Give what a gzip member holds, piece by piece; nothing grows before it was counted."""
    engine = zlib.decompressobj(wbits=31)
    size = 0
    try:
        while not engine.eof:
            piece = engine.decompress(body, _CHUNK)
            if not piece and not engine.unconsumed_tail and not engine.eof:
                raise BatchError("gzip: ends too early")
            body = engine.unconsumed_tail
            size += len(piece)
            if size > MOST_BYTES:
                raise BatchError(f"larger than {MOST_BYTES} bytes when unpacked", 413)
            yield piece
    except zlib.error:
        raise BatchError("gzip: damaged") from None
    if engine.unused_data:
        raise BatchError("gzip: more than one member")


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Split at line feeds; empty lines are left out."""
    held: list[bytes] = []
    size = count = 0
    for chunk in chunks:
        count += chunk.count(b"\n")
        if count > _MOST_LINES:
            raise BatchError(f"more than {_MOST_LINES} lines", 413)
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            line, held, size = b"".join((*held, piece)), [], 0
            if line.strip():
                yield line
        held.append(rest)
        size += len(rest)
        if size > envelope.LONGEST:
            raise BatchError(f"a line is longer than {envelope.LONGEST} bytes", 413)
    if (line := b"".join(held)).strip():
        yield line


def _decoded(line: bytes, number: int) -> Received:
    try:
        return envelope.unwrap(line)
    except EnvelopeError as error:
        raise BatchError(f"line {number}: {error}") from None


def _checked_host(host: Host) -> Host:
    texts = (host.id, host.name, host.image, host.version, host.policy)
    if not 0 < len(host.id) <= 256 or text(host.id) != host.id or max(map(len, texts)) > 1024:
        raise BatchError("host: an id that is none, or a text that is too long")
    if len(host.labels) > _LABELS or any(len(k) + len(v) > 1024 for k, v in host.labels.items()):
        raise BatchError(f"host.labels: more than {_LABELS}, or one that is too long")
    if not all(_RANDOM.fullmatch(one) for one in (host.installation, host.run)):
        raise BatchError("host: an installation or a run that is none")
    return Host(
        id=host.id,
        name=text(host.name),
        image=text(host.image),
        labels={text(key): text(value) for key, value in host.labels.items()},
        version=text(host.version),
        policy=text(host.policy),
        cloned=host.cloned,
        installation=host.installation,
        run=host.run,
    )


def _checked(event: Event, number: int) -> Numbered:
    match = _ID.fullmatch(event.id)
    if not match or not _ROLE.fullmatch(event.role):
        raise BatchError(f"line {number}: an id or a role that is none")
    needed = getattr(event, _NEEDS[event.kind])
    if needed is None or not all(0 <= time <= _LAST_TIME for time in _times(event)):
        raise BatchError(f"line {number}: incomplete, or at a time that cannot be")
    if not all(0 <= one < _LARGEST for one in _numbers(event)):
        raise BatchError(f"line {number}: a number that cannot be")
    if event.finding is not None:
        _check_finding(event.finding, number)
    return Numbered(match[1], int(match[2]), event)


def _numbers(event: Event) -> Iterator[int]:
    """Give the numbers that are to be kept: a file of ours holds none of any size."""
    if event.finding is not None:
        where, seen, who = event.finding.location, event.finding.evidence, event.finding.access
        yield from (where.line, where.column, seen.length if seen else 0)
        yield from (who.uid, who.gid, who.mode) if who else ()
    if event.gap is not None:
        yield event.gap.missed
    if event.digest is not None:
        yield from (event.digest.open, event.digest.removed, event.digest.epoch)
    if event.dropped is not None:
        yield from (event.dropped.count, event.dropped.first, event.dropped.last)
    if event.audit is not None:
        yield event.audit.sequence


def _times(event: Event) -> tuple[float, ...]:
    gap = (event.gap.started, event.gap.ended) if event.gap else ()
    audit = (event.audit.at,) if event.audit else ()
    return (event.at, event.first_seen, event.last_seen, *gap, *audit)


def _check_finding(finding: Finding, number: int) -> None:
    for name in (finding.identity, finding.check):
        if not 0 < len(name) <= 128 or not name.isascii() or not name.isprintable():
            raise BatchError(f"line {number}: a finding without a proper check or identity")
