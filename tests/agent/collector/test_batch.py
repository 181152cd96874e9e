"""What hosts send is hostile: it is taken whole and exact, or refused with its status."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import ocsf
from agent.collector.batch import MOST_BYTES, BatchError, read
from agent.events import Event, Gap, Host, Kind
from checks.model import Confidence, Finding, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = Host(id="web1", name="web1.example", image="img:1", labels={"team": "a"})
STREAM = "0123456789abcdef" * 2


def finding(path: str = "/etc/a.key") -> Finding:
    where = Location(path, 0)
    return Finding(
        "key-permissions", Severity.LOW, Confidence.HIGH, where, "m", "f", identity="a" * 32
    )


def event(number: int = 1, path: str = "/etc/a.key") -> Event:
    return Event(
        id=f"{STREAM}-{number}",
        at=1e9,
        role="watcher",
        kind=Kind.OPENED,
        finding=finding(path),
        first_seen=1e9,
        last_seen=1e9,
    )


def lines(*events: Event, host: Host = HOST) -> bytes:
    return b"".join(ocsf.line(one, host) for one in events)


def status(body: bytes, encoding: str = "") -> int:
    with pytest.raises(BatchError) as refused:
        read(body, encoding)
    return refused.value.status


@pytest.mark.parametrize("path", ["/etc/a.key", "/srv/ü\u202e", "/srv/\udcff\udc80", "/srv/\x1b\n"])
def test_what_was_sent_is_what_is_read(path: str) -> None:
    """Host and events come through exactly, names that are not UTF-8 included."""
    sent = (event(1, path), event(7, path))
    for body, encoding in ((lines(*sent), ""), (gzip.compress(lines(*sent)), "gzip")):
        batch = read(body, encoding)
        assert batch.host == HOST
        assert [one.event for one in batch.events] == list(sent)
        assert [(one.stream, one.sequence) for one in batch.events] == [(STREAM, 1), (STREAM, 7)]


def test_empty_lines_and_a_missing_last_line_feed_do_not_matter() -> None:
    """What is between the lines is passed over."""
    body = b"\n" + lines(event(1)) + b"\r\n\n" + lines(event(2)).rstrip()
    assert len(read(body, "").events) == 2


def test_a_batch_speaks_for_one_host() -> None:
    """A second host in a batch makes it refused; the same host twice does not."""
    other = Host(id="web2", name="web2.example")
    assert status(lines(event(1)) + lines(event(2), host=other)) == 400
    assert len(read(lines(event(1)) + lines(event(2)), "").events) == 2


def changed(path: str, value: object) -> bytes:
    """Give a line of which one field of our own is another."""
    whole = json.loads(lines(event()))
    place: Any = whole["unmapped"]["hygiene"]
    *steps, last = path.split(".")
    for step in steps:
        place = place[step]
    place[last] = value
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "1"),
        ("id", f"{STREAM}-0"),
        ("id", f"{STREAM}-01"),
        ("id", f"{STREAM}-{'9' * 19}"),
        ("id", f"{STREAM.upper()}-1"),
        ("at", -1),
        ("at", 1e12),
        ("at", "1"),
        ("first_seen", -5),
        ("role", "Watcher"),
        ("role", "w" * 33),
        ("kind", "exploded"),
        ("kind", "gap"),
        ("finding", None),
        ("finding.identity", ""),
        ("finding.identity", "ä"),
        ("finding.identity", "a" * 129),
        ("finding.check", ""),
        ("finding.severity", 9),
        ("finding.location.line", -1),
        ("finding.location.line", 1 << 60),
        ("finding.location.line", 10**30),
        ("host.id", ""),
        ("host.id", "x" * 257),
        ("host.name", "x" * 2000),
        ("host.labels", {str(n): "" for n in range(65)}),
        ("host.labels", {"x" * 2000: ""}),
        ("host", None),
    ],
)
def test_what_cannot_be_is_refused(path: str, value: object) -> None:
    """A line is taken as it was and refused with one field that cannot be."""
    assert len(read(lines(event()), "").events) == 1
    assert status(changed(path, value)) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"{}",
        b"[]",
        b"null",
        b"nonsense",
        b"\xff\xfe",
        b"\0" * 100,
        b'{"unmapped": {"hygiene": 7}}',
        b"[" * 10**6,
        b'{"a":' * 500_000,
        b'{"unmapped": {"hygiene": ' + b"[" * 10**6 + b"]" * 10**6 + b"}}",
        b'{"unmapped": {"hygiene": {"at": ' + b"9" * 10**6 + b"}}}",
        b'{"unmapped": {"hygiene": {"id": "a", "raw": [{"at": ["id", "0"], "bytes": "YQ=="}]}}}',
        b'{"unmapped": {"hygiene": {"id": 7, "raw": [{"at": ["id", "0"], "bytes": "YQ=="}]}}}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_garbage_is_refused_quickly(body: bytes) -> None:
    """Nothing but a refusal leaves the reader, within a second."""
    start = time.monotonic()
    assert status(body) == 400
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("filling", [b"\n", b" ", b"["])
def test_a_bomb_is_refused_before_it_grows(filling: bytes) -> None:
    """What unpacks to more than is taken is refused, in no more memory than what is taken."""
    engine = zlib.compressobj(9, wbits=31)
    piece = filling * (1 << 20)
    bomb = b"".join(engine.compress(piece) for _ in range(512)) + engine.flush()
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    start = time.monotonic()
    assert status(bomb, "gzip") == 413
    assert time.monotonic() - start < 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20
    assert status(gzip.compress(b"x" * (5 << 20)), "gzip") == 413, "one line without end"


def test_too_much_is_told_as_such() -> None:
    """More bytes or events than are taken at once give 413, so that the sender halves them."""
    assert status(b"\n" * (MOST_BYTES + 1)) == 413
    assert status(lines(event()) * 5001) == 413


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body[:-5],
        lambda body: body[:40] + bytes((body[40] ^ 255,)) + body[41:],
        lambda body: body + body,
        lambda body: body + b"rest",
        lambda _body: b"",
        lambda _body: b"plain",
    ],
)
def test_damaged_gzip_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    """A cut, damaged, doubled or missing gzip member is refused; a whole one is taken."""
    body = gzip.compress(lines(event()))
    assert len(read(body, "gzip").events) == 1
    assert status(spoil(body), "gzip") == 400


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_needs_what_it_tells(kind: Kind) -> None:
    """An event of any kind without anything that it could tell is refused."""
    bare = Event(id=f"{STREAM}-1", at=1, role="watcher", kind=kind)
    assert status(lines(bare)) == 400


def test_other_encodings_are_not_known() -> None:
    """An encoding that is not known has a status of its own."""
    assert status(b"x", "br") == 415


@given(st.data())
def test_no_mutation_of_a_line_does_anything_but_be_refused(data: st.DataObject) -> None:
    """Whatever bytes are changed, a batch is read or refused."""
    gap = Event(
        id=f"{STREAM}-2",
        at=5,
        role="watcher",
        kind=Kind.GAP,
        gap=Gap(subject="/s\udc80", reason="overflow", started=1),
    )
    body = bytearray(lines(event(1, "/\udcff"), gap))
    rng = random.Random(data.draw(st.integers()))
    for _ in range(rng.randint(1, 8)):
        body[rng.randrange(len(body))] = rng.choice(b'{}[]",:0-9e\\u\0\xff')
    with contextlib.suppress(BatchError):
        taken = read(bytes(body), "")
        again = lines(*(one.event for one in taken.events), host=taken.host)
        assert read(again, "")[:2] == taken[:2]
