"""The HTTPS store: a real nginx with mutual TLS, and a server that says what it is told to."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent import stores
from agent.policy.belief import Seen
from agent.policy.trust import Client
from agent.settings import StoreSettings
from agent.stores import AbsentError, AwayError, StoreError, TooLongError, https
from agent.stores.https import Https

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.agent.policy.published import Repository
    from tests.agent.stores.conftest import Nginx, Scripted

    Opened = Callable[..., Https]

POLLED = "metadata/timestamp.json"
TOKEN = "tok" + "en." * 9 + "x"


@pytest.fixture
def opened(certificates: Path) -> Iterator[Opened]:
    """Open the store at a port of this host; it is closed at the end."""
    made = []

    def make(port: int, **changed: Any) -> Https:  # noqa: ANN401 - settings of all types
        told = {
            "url": f"https://localhost:{port}/policy/",
            "ca": str(certificates / "ca.pem"),
            "certificate": str(certificates / "client.pem"),
            "key": str(certificates / "client.key"),
        }
        one = stores.open(StoreSettings(**(told | changed)))
        assert isinstance(one, Https)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def _written(www: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = www / "policy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


# A real server


def test_an_unchanged_poll_is_two_small_requests(
    opened: Opened, nginx: Nginx, repository: Repository, tmp_path: Path
) -> None:
    """Over one connection with mutual TLS: no newer root, and the same timestamp; under 2 KB."""
    repository.put("policy/group/role/web%2Fproxy/1.json", b"{}")
    repository.next("targets", "snapshot", "timestamp")
    _written(nginx.www, repository.shelf.files)
    client = Client(
        opened(nginx.port),
        tmp_path / "copies",
        repository.pin,
        minimum={},
        longest=36 * 3600,
        now=time.time,
    )
    view = client.refresh(Seen())
    assert client.content(view.targets["policy/group/role/web%2Fproxy/1.json"]) == b"{}"
    os.utime(nginx.www / "policy" / POLLED, (time.time() - 100,) * 2)
    client.refresh(view.seen)
    before = len(nginx.requests(7))
    assert client.refresh(view.seen) == view
    root, timestamp = nginx.requests(before + 2)[before:]
    assert (root[1], root[4]) == ("404", "/policy/metadata/2.root.json")
    assert (timestamp[1], timestamp[4]) == ("304", "/policy/metadata/timestamp.json")
    assert len({request[0] for request in nginx.log}) == 1
    assert sum(int(size) for request in (root, timestamp) for size in request[2:4]) < 2048
    for version in (3, 4, 5):
        repository.next("timestamp")
        _written(nginx.www, repository.shelf.files)
        assert client.refresh(view.seen).versions["timestamp"] == version


def test_a_file_comes_whole(opened: Opened, nginx: Nginx) -> None:
    """Odd names and sizes included; the server's clock is kept."""
    files = {"targets/a%2Fb c/%25.json": b"x" * 100_000, "targets/empty": b""}
    _written(nginx.www, {name.replace(" ", "+"): held for name, held in files.items()})
    store = opened(nginx.port)
    assert store.date is None
    assert store.fetch("targets/a%2Fb+c/%25.json", 100_000) == b"x" * 100_000
    assert store.fetch("targets/empty", 0) == b""
    assert store.date is not None
    assert abs(store.date - time.time()) < 60
    with pytest.raises(TooLongError):
        store.fetch("targets/a%2Fb+c/%25.json", 99_999)
    with pytest.raises(AbsentError, match="HTTP 404"):
        store.fetch("targets/none", 10)


def test_a_server_that_wants_to_know_us(opened: Opened, nginx: Nginx) -> None:
    """Without our certificate there is nothing."""
    _written(nginx.www, {POLLED: b"{}"})
    with pytest.raises(AwayError, match="HTTP 400"):
        opened(nginx.port, certificate="", key="").fetch(POLLED, 100)
    assert opened(nginx.port).fetch(POLLED, 100) == b"{}"


def test_a_server_that_is_another(opened: Opened, nginx: Nginx, certificates: Path) -> None:
    """A certificate of another authority ends it before anything is asked."""
    with pytest.raises(AwayError, match="certificate: "):
        opened(nginx.port, ca=str(certificates / "stranger.pem")).fetch(POLLED, 100)
    assert nginx.log == []


def test_a_server_that_was_started_anew(opened: Opened, nginx: Nginx) -> None:
    """A kept connection that is gone costs nothing but a new one; nobody there is told."""
    _written(nginx.www, {POLLED: b"{}"})
    store = opened(nginx.port)
    assert store.fetch(POLLED, 100) == b"{}"
    nginx.stop()
    with pytest.raises(AwayError, match="Connection refused"):
        store.fetch(POLLED, 100)


# A server with a script


def _answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        ("301 Moved", AwayError, "redirects are not followed"),
        ("307 Moved", AwayError, "redirects are not followed"),
        ("304 Same", AwayError, "HTTP 304"),
        ("401 Who", AwayError, "the credentials are not accepted"),
        ("403 No", AbsentError, "HTTP 403"),
        ("404 No", AbsentError, "HTTP 404"),
        ("410 Gone", AbsentError, "HTTP 410"),
        ("429 Slow", AwayError, "HTTP 429"),
        ("500 Oh", AwayError, "HTTP 500"),
        ("503 Oh", AwayError, "HTTP 503"),
        ("204 Nothing", AwayError, "HTTP 204"),
        ("206 Part", AwayError, "HTTP 206"),
        ("999 What", AwayError, "HTTP 999"),
    ],
)
def test_statuses(
    status: str, kind: type[StoreError], text: str, opened: Opened, scripted: Scripted
) -> None:
    """Each says that there is no such file, or that the store is away; nothing is followed."""
    body = b"" if status[:3] in {"304", "204"} else b"a body that nobody repeats"
    scripted.script = [(_answer(status, "Location: https://evil.example/", body=body), "end")]
    with pytest.raises(kind, match=text) as caught:
        opened(scripted.port).fetch(POLLED, 100)
    assert "nobody" not in str(caught.value)
    assert len(scripted.heads) == 1


@pytest.mark.parametrize(
    ("said", "then", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "end", AwayError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "cut", AwayError),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "end", AwayError),
        (b"HTTP/1.1 200 OK\r\n\r\nhalf", "cut", AwayError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "end", AwayError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "end", AwayError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101, "end", TooLongError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nx", "flood", TooLongError),
        (b"HTTP/1.1 200 OK\r\n\r\nx", "flood", TooLongError),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n", "end", AwayError),
        (b"HTTP/1.1 200 OK\r\nA: x", "flood", AwayError),
        (b"\x00\xffno http\r\n\r\n", "end", AwayError),
        (b"HTTP/1.1 -5 OK\r\n\r\n", "end", AwayError),
    ],
)
def test_what_is_no_whole_answer(
    said: bytes, then: str, kind: type[StoreError], opened: Opened, scripted: Scripted
) -> None:
    """Half a file is none, an endless one ends at its limit, and the next answer is taken."""
    scripted.script = [(said, then), (_answer("200 OK", body=b"{}"), "")]
    store = opened(scripted.port)
    with pytest.raises(kind):
        store.fetch("metadata/1.root.json", 100)
    assert store.fetch("metadata/1.root.json", 100) == b"{}"


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
    ],
)
def test_other_ways_to_end(said: bytes, opened: Opened, scripted: Scripted) -> None:
    """In chunks, or to the well-told end of the connection, a file is whole too."""
    scripted.script = [(said, "end")]
    assert opened(scripted.port).fetch(POLLED, 100) == b"{}"


def test_slow_retrieval_ends(
    opened: Opened, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then does not hold a host: the time is that of the whole file."""
    monkeypatch.setattr(https, "_TIMES", https.Times(connect=5, write=5, answer=1))
    scripted.script = [(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx", "drip")]
    began = time.monotonic()
    with pytest.raises(AwayError, match="timed out"):
        opened(scripted.port).fetch(POLLED, 1000)
    assert 0.9 < time.monotonic() - began < 10


def test_the_timestamp_is_sent_once(opened: Opened, scripted: Scripted) -> None:
    """By its entity tag; nothing else is asked for so, and an odd tag is not repeated."""
    store = opened(scripted.port)
    scripted.script = [
        (_answer("200 OK", 'ETag: "a1"', body=b"one"), ""),
        (_answer("200 OK", 'ETag: "a2"', body=b"root"), ""),
        (_answer("200 OK", body=b"root"), ""),
        (_answer("304 Not Modified"), ""),
        (_answer("200 OK", "ETag: a b", body=b"two"), ""),
        (_answer("200 OK", body=b"three"), ""),
    ]
    root = "metadata/2.root.json"
    said = [store.fetch(name, 10) for name in (POLLED, root, root, POLLED, POLLED, POLLED)]
    assert said == [b"one", b"root", b"root", b"one", b"two", b"three"]
    asked = [b'If-None-Match: "a1"' in head for head in scripted.heads]
    assert asked == [False, False, False, True, True, False]
    assert scripted.heads[5].count(b"If-None-Match") == 0
    assert scripted.connections == 1


def test_a_tag_of_a_file_that_just_changed_is_not_used(opened: Opened, scripted: Scripted) -> None:
    """It is made of a time in seconds, and may come to stand for another content."""
    date, just = "Date: Thu, 01 Jan 1970 00:02:00 GMT", "Thu, 01 Jan 1970 00:01:01 GMT"
    scripted.script = [
        (_answer("200 OK", 'ETag: "a"', date, f"Last-Modified: {just}", body=b"one"), ""),
        (_answer("200 OK", 'ETag: "a"', date, f"Last-Modified: {just[:-6]}00 GMT", body=b"2"), ""),
        (_answer("304 Not Modified"), ""),
    ]
    store = opened(scripted.port)
    assert [store.fetch(POLLED, 10) for _ in range(3)] == [b"one", b"2", b"2"]
    assert [b"If-None-Match" in head for head in scripted.heads] == [False, False, True]


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:01:00 GMT", 60.0),
        ("Thu, 01 Jan 1970 00:01:00 -0000", 60.0),
        ("yesterday", None),
        ("", None),
        ("Thu, 99 Jan 999999 00:01:00 GMT", None),
    ],
)
def test_the_clock_of_the_store(
    date: str, seconds: float | None, opened: Opened, scripted: Scripted
) -> None:
    """It is kept of every answer, also of one that has no file."""
    scripted.script = [(_answer("404 No", f"Date: {date}"), "")]
    store = opened(scripted.port)
    with pytest.raises(AbsentError):
        store.fetch(POLLED, 10)
    assert store.date == seconds


def test_a_token_goes_with_each_request(opened: Opened, scripted: Scripted, tmp_path: Path) -> None:
    """From a private file, read anew; where others could read it, nothing is asked."""
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    store = opened(scripted.port, token_file=str(token))
    scripted.script = [(_answer("200 OK", body=b"{}"), "")]
    assert store.fetch(POLLED, 10) == b"{}"
    assert f"Authorization: Bearer {TOKEN}".encode() in scripted.heads[0]
    token.chmod(0o644)
    with pytest.raises(AwayError, match="not a private file") as caught:
        store.fetch(POLLED, 10)
    assert TOKEN not in str(caught.value) + repr(vars(store))
    assert len(scripted.heads) == 1


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a//b", "a/./b", "a/..", "", "a b", "ä", "a\r\nX: y"]
)
def test_a_name_that_leads_elsewhere_is_not_asked_for(
    name: str, opened: Opened, scripted: Scripted
) -> None:
    """A name is below the address, or it is none."""
    with pytest.raises(AbsentError):
        opened(scripted.port).fetch(name, 10)
    assert scripted.heads == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"url": "https://localhost/x?y=1"}, "store.url"),
        ({"url": "https://u:hunter22@localhost/"}, "no user or password"),
        ({"url": "https://"}, "store.url"),
        ({"url": "ftp://localhost/"}, "store.url: expected a scheme out of"),
        ({"url": ""}, "store.url: expected a scheme out of"),
        ({"proxy": "http://[::1"}, "store.proxy"),
        ({"key": "/k", "certificate": ""}, "store.key"),
        ({"token_file": "/t", "token_credential": "x"}, "store.token_file"),
    ],
)
def test_settings_that_cannot_work(changed: dict[str, Any], text: str, opened: Opened) -> None:
    """Each is refused with its name, before anything is asked, and no password repeated."""
    with pytest.raises(StoreError, match=text) as caught:
        opened(1, **changed)
    assert "hunter22" not in str(caught.value)
