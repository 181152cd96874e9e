"""The syslog sink: against a real rsyslogd with TLS, and against peers that break off."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import ocsf, sinks
from agent.envelope import unwrap
from agent.events import Event, Health, Host, Kind
from agent.sinks import Batch, Delivered, Retry, SinkError, syslog
from agent.sinks.syslog import Settings, framed
from checks.model import Confidence, Finding, Location, Severity
from tests.agent.sinks.rsyslogd import Rsyslogd, is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.sinks.syslog import Syslog
    from tests.agent.sinks.conftest import Batches, Starter

    Sinks = Callable[..., Syslog]


@pytest.fixture
def rsyslogd(certificates: Path, tmp_path: Path) -> Iterator[Rsyslogd]:
    if not is_there():
        pytest.skip("rsyslogd with gnutls is not installed")
    folder = tmp_path / "rsyslog"
    folder.mkdir()
    for name in ("ca.pem", "server.pem", "server.key"):
        shutil.copy(certificates / name, folder / name)
    server = Rsyslogd(folder)
    yield server
    server.stop()


@pytest.fixture
def sink(certificates: Path, tmp_path: Path) -> Iterator[Callable[..., Syslog]]:
    made = []

    def make(port: int, **changed: object) -> Syslog:
        told = {
            "kind": "syslog",
            "host": "localhost",
            "port": port,
            "ca": str(certificates / "ca.pem"),
            "certificate": str(certificates / "client.pem"),
            "key": str(certificates / "client.key"),
            "connect": 3,
            "write": 2,
        }
        one = sinks.make("log", told | changed, tmp_path)
        assert isinstance(one, syslog.Syslog)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def test_a_real_rsyslogd_reads_all_of_it(rsyslogd: Rsyslogd, sink: Sinks, batch: Batches) -> None:
    """Every part of RFC 5424 arrives in its place, and the message is OCSF, our event in it."""
    sent = batch(1, 2, detail='] " \\ \n\udcff 中')
    assert sink(rsyslogd.port).deliver(sent) == Delivered()
    first, second = rsyslogd.messages(2)
    assert first["pri"] == "109"
    assert first["time"] == "2026-05-28T20:26:40.500Z"
    assert first["host"] == "web_1"
    assert (first["app"], first["process"], first["id"]) == ("hygiene-agent", "watcher", "health")
    assert first["data"] == (
        '[origin software="hygiene-agent" swVersion="0.4.0"]'
        f'[hygiene@32473 event="{sent.events[0].id}" kind="health" host="h-1" image="web:7"]'
    )
    for told, event in zip((first, second), sent.events, strict=True):
        assert unwrap(told["message"].encode()).event == event


def test_many_messages_over_one_connection(rsyslogd: Rsyslogd, sink: Sinks, batch: Batches) -> None:
    """A thousand events in several batches arrive in order."""
    one = sink(rsyslogd.port)
    for start in range(0, 1000, 250):
        assert one.deliver(batch(*range(start, start + 250))) == Delivered()
    told = [json.loads(each["message"])["metadata"]["sequence"] for each in rsyslogd.messages(1000)]
    assert told == list(range(1000))


def test_a_server_that_was_away(rsyslogd: Rsyslogd, sink: Sinks, batch: Batches) -> None:
    """While it is away it is a retry; when it is back the same batch arrives."""
    one = sink(rsyslogd.port)
    assert one.deliver(batch(1)) == Delivered()
    rsyslogd.messages(1)
    rsyslogd.stop()
    assert isinstance(one.deliver(batch(2)), Retry)
    assert isinstance(one.deliver(batch(2)), Retry)
    rsyslogd.start()
    assert one.deliver(batch(2)) == Delivered()
    ids = {json.loads(each["message"])["metadata"]["sequence"] for each in rsyslogd.messages(2)}
    assert ids == {1, 2}


@pytest.mark.parametrize("changed", [{"certificate": "", "key": ""}, {"certificate": "other"}])
def test_a_client_that_is_turned_away_notices(
    changed: dict[str, str], rsyslogd: Rsyslogd, sink: Sinks, batch: Batches, certificates: Path
) -> None:
    """A server that does not accept our certificate has taken nothing, and we know."""
    if changed["certificate"]:
        changed = {name: str(certificates / f"other.{name[:3]}") for name in ("certificate", "key")}
        changed["certificate"] = str(certificates / "other.pem")
    outcome = sink(rsyslogd.port, **changed).deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert rsyslogd.messages(0) == []


@pytest.mark.parametrize("name", ["false", "other"])
def test_a_server_that_is_another_hears_nothing(
    name: str, start: Starter, sink: Sinks, batch: Batches
) -> None:
    """A certificate of another CA or for another name ends it before anything is sent."""
    outcome = sink(start(name).port).deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("certificate: ")


class Reader:
    """A TLS server of one connection that reads so much and then breaks off, or waits."""

    def __init__(self, certificates: Path, most: int, *, stay: bool) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self._most, self._stay = most, stay
        self.done = threading.Event()
        self.read = b""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        plain, _ = self._server.accept()
        with (
            contextlib.suppress(OSError),  # who gave up while it shook hands
            self._server,
            self._context.wrap_socket(plain, server_side=True) as made,
        ):
            while len(self.read) < self._most:
                data = made.recv(4096)
                if not data:
                    return
                self.read += data
            if self._stay:
                self.done.wait(10)
            else:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def stop(self) -> None:
        self.done.set()
        self._thread.join()


@pytest.mark.parametrize("stay", [True, False], ids=["hangs", "resets"])
def test_what_did_not_get_away_is_not_delivered(
    stay: bool,  # noqa: FBT001 - a parameter of the test
    sink: Sinks,
    batch: Batches,
    certificates: Path,
) -> None:
    """A peer that stops reading, or breaks off in the middle, does not have the batch."""
    reader = Reader(certificates, 10_000, stay=stay)
    began = time.monotonic()
    outcome = sink(reader.port).deliver(batch(*range(8000), detail="x" * 500))
    assert isinstance(outcome, Retry)
    assert time.monotonic() - began < 8
    reader.stop()


def test_a_peer_that_reads_all_has_it(sink: Sinks, batch: Batches, certificates: Path) -> None:
    """The same batch is delivered to a peer that reads it, message after message."""
    reader = Reader(certificates, 1 << 40, stay=False)
    one = sink(reader.port)
    assert one.deliver(batch(*range(300))) == Delivered()
    one.close()
    reader.stop()
    rest, count = reader.read, 0
    while rest:
        length, _, rest = rest.partition(b" ")
        message, rest = rest[: int(length)], rest[int(length) :]
        assert message.startswith(b"<109>1 ")
        count += 1
    assert count == 300


# One message

HOST = Host(id='h"]\\', name="", image="i" * 300, version="1\n2")


def finding(severity: Severity, path: str = "/etc/a") -> Event:
    one = Finding(
        check="c",
        severity=severity,
        confidence=Confidence.HIGH,
        location=Location(path),
        message="m" * 5000,
        fix="f",
        identity="ab" * 32,
    )
    return Event(id="s-1", at=1.0, role="a b", kind=Kind.OPENED, finding=one)


def test_severities() -> None:
    """Each severity has one of syslog's, under the facility that was asked for."""
    told = [
        framed(finding(severity), HOST, Settings(host="h", facility=16)) for severity in Severity
    ]
    priorities = [int(re.match(rb"\d+ <(\d+)>1 ", one)[1]) for one in told]  # type: ignore[index]  # it matched
    assert priorities == [16 * 8 + number for number in (6, 5, 4, 3, 2)]


@pytest.mark.parametrize("longest", [4096, 8192, 65536])
def test_no_message_is_longer_than_it_may_be(longest: int) -> None:
    """Whatever is in an event, its message keeps within the limit and is JSON."""
    event = finding(Severity.HIGH, "/\u4e2d\udcff" * 2000)
    host = Host(id="\u4e2d" * 256, name="\u4e2d" * 300, image="]" * 300, version="\\" * 99)
    told = framed(event, host, Settings(host="h", longest=longest))
    length, _, message = told.partition(b" ")
    assert int(length) == len(message) <= longest
    assert b"\n" not in message
    body = json.loads(message[message.index(b"] {") + 2 :])
    assert body["metadata"]["is_truncated"] is True
    assert body["finding_info"]["uid"] == "ab" * 32


def test_hostile_words_stay_in_their_places() -> None:
    """Quotes, brackets, blanks and line feeds in names and ids end no field."""
    told = framed(finding(Severity.LOW), HOST, Settings(host="h", enterprise=99)).decode()
    head = told[: told.index(" {")]
    assert " - hygiene-agent a_b opened [origin " in head
    assert '[hygiene@99 event="s-1" kind="opened" host="h\\"\\]\\\\" image="iii' in head
    assert 'swVersion="1\\\\n2"' in head
    assert "\n" not in told


def test_a_time_that_is_none() -> None:
    """A time that no calendar has is left out."""
    event = msgspec.structs.replace(finding(Severity.LOW), at=1e18)
    assert b">1 - - hygiene-agent " in framed(event, HOST, Settings(host="h"))


def test_a_key_alone_is_refused(sink: Sinks) -> None:
    """A key without its certificate cannot work."""
    with pytest.raises(SinkError, match="certificate"):
        sink(1, certificate="", key="/k")


def test_short_events_are_whole() -> None:
    """What fits is not touched."""
    event = Event(
        id="s-1", at=1.0, role="r", kind=Kind.HEALTH, health=Health(component="c", state="s")
    )
    told = framed(event, HOST, Settings(host="h"))
    assert told.endswith(ocsf.line(event, HOST)[:-1])
    assert Batch(HOST, (event,)).events == (event,)
