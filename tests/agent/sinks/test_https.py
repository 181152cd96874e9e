"""The HTTPS sink: against a real server with mutual TLS that misbehaves on demand."""

from __future__ import annotations

import datetime
import email.utils
import http.server
import json
import os
import shutil
import socket
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from agent import sinks
from agent.envelope import unwrap
from agent.settings import SettingsError
from agent.sinks import Delivered, Refused, Retry, SinkError, https

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.sinks import Outcome
    from agent.sinks.https import Https
    from tests.agent.sinks.conftest import Batches, Peer, Starter

    Sinks = Callable[..., Https]

TOKEN = "tok" + "en." * 9 + "x"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(TOKEN + "\n")
    return path


@pytest.fixture
def sink(certificates: Path, token: Path, tmp_path: Path) -> Iterator[Callable[..., Https]]:
    """Make a sink for a port of this host; it is closed at the end."""
    made = []

    def make(port: int, **changed: object) -> Https:
        told = {
            "kind": "https",
            "url": f"https://localhost:{port}/in?x=1",
            "ca": str(certificates / "ca.pem"),
            "certificate": str(certificates / "client.pem"),
            "key": str(certificates / "client.key"),
            "token_file": str(token),
            "connect": 3,
            "write": 2,
            "answer": 1,
        }
        one = sinks.make("siem", told | changed, tmp_path)
        assert isinstance(one, https.Https)
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def test_events_arrive_whole_over_one_connection(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """Two batches go over one connection as gzipped NDJSON with the token; events come back."""
    one = sink(peer.port)
    assert one.deliver(batch(1, 2)) == Delivered()
    assert one.deliver(batch(3)) == Delivered()
    first, second = peer.requests
    assert first["client"] == second["client"]
    assert first["path"] == "/in?x=1"
    headers = first["headers"]
    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Host"] == f"localhost:{peer.port}"
    lines = (peer.folder / "received").read_bytes().splitlines()
    assert [unwrap(line).event for line in lines] == [*batch(1, 2).events, *batch(3).events]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("204", Delivered()),
        ("301 Location=https://evil.example/", Retry("HTTP 301: redirects are not followed")),
        ("307 Location=/other", Retry("HTTP 307: redirects are not followed")),
        ("400", Refused("HTTP 400")),
        ("401", Retry("HTTP 401: the credentials are not accepted")),
        ("403", Retry("HTTP 403: the credentials are not accepted")),
        ("409", Retry("HTTP 409: another copy of this agent's state may be reporting")),
        (
            "404",
            Retry("HTTP 404: the address or its server is not set up for reports"),
        ),
        ("413", Refused("HTTP 413")),
        ("422", Refused("HTTP 422")),
        ("429 Retry-After=7", Retry("HTTP 429", 7)),
        ("429 Retry-After=99999999999999999999", Retry("HTTP 429", 3600)),
        ("429 Retry-After=-5", Retry("HTTP 429", 0)),
        ("429 Retry-After=soon", Retry("HTTP 429", 0)),
        ("429 Retry-After=Wed, 21 Oct 2015 07:28:00 GMT", Retry("HTTP 429", 0)),
        ("429 Retry-After=Fri, 31 Dec 9999 23:59:59 GMT", Retry("HTTP 429", 3600)),
        ("500", Retry("HTTP 500")),
        ("502", Retry("HTTP 502")),
        ("503 Retry-After=0", Retry("HTTP 503")),
        ("504 Retry-After=3", Retry("HTTP 504", 3)),
        ("507", Retry("HTTP 507")),
    ],
)
def test_statuses(word: str, outcome: Outcome, sink: Sinks, peer: Peer, batch: Batches) -> None:
    """Each status means what its standard says; a redirect is never followed."""
    peer.behave(word)
    assert sink(peer.port).deliver(batch(1)) == outcome
    assert len(peer.requests) == 1


def test_a_date_to_wait_for(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """Retry-After may be a date."""
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    peer.behave(f"503 Retry-After={email.utils.format_datetime(when, usegmt=True)}")
    outcome = sink(peer.port).deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert outcome.reason == "HTTP 503"
    assert 80 < outcome.after <= 90


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("silent", "timed out"),
        ("drip", "timed out"),
        ("half", ""),
        ("half-cut", ""),
        ("half-ended", "the answer broke off"),
        ("reset", ""),
        ("garbage", "BadStatusLine"),
    ],
)
def test_misbehaviour_is_a_retry(
    word: str, reason: str, sink: Sinks, peer: Peer, batch: Batches
) -> None:
    """No answer, half a one or none that is HTTP: again later, and within the deadlines."""
    peer.behave(word)
    one = sink(peer.port)
    began = time.monotonic()
    outcome = one.deliver(batch(1))
    assert time.monotonic() - began < 4
    assert isinstance(outcome, Retry)
    assert reason in outcome.reason
    peer.behave("ok")
    assert one.deliver(batch(1)) == Delivered()


def test_an_endless_answer_is_cut(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """The status counts; no more than a limit of the body is read, and the connection dropped."""
    peer.behave("endless", "ok")
    one = sink(peer.port)
    began = time.monotonic()
    assert one.deliver(batch(1)) == Delivered()
    assert time.monotonic() - began < 2
    assert one.deliver(batch(2)) == Delivered()
    first, second = peer.requests
    assert first["client"] != second["client"]


def test_a_connection_that_went_stale_is_made_anew(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """A kept connection that the server closed costs nothing but a new one."""
    peer.behave("ok", "reset", "ok")
    one = sink(peer.port)
    assert one.deliver(batch(1)) == Delivered()
    assert one.deliver(batch(2)) == Delivered()
    peer.behave("close")
    assert one.deliver(batch(3)) == Delivered()
    assert one.deliver(batch(4)) == Delivered()
    assert peer.ids[-1].endswith("-4")


def test_a_server_that_wants_less_gets_less(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """413: the same events in smaller pieces, in order, none twice; a single one is refused."""
    peer.behave("most 3")
    one = sink(peer.port)
    assert one.deliver(batch(*range(1, 31))) == Delivered()
    assert [int(told.rpartition("-")[2]) for told in peer.ids] == list(range(1, 31))
    peer.behave("most 0")
    assert one.deliver(batch(31, 32)) == Refused("HTTP 413")
    peer.behave("ok")
    assert one.deliver(batch(31, 32)) == Delivered()


def test_an_answer_before_the_whole_request_counts(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """A server that says 413 and goes while it is being sent to was heard, or it is a retry."""
    peer.behave("early")
    noise = "".join(f"{hash((number, 'x')):x}" for number in range(50_000))
    outcome = sink(peer.port).deliver(batch(1, detail=noise))
    assert isinstance(outcome, Refused | Retry)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("false", "certificate: "), ("other", "certificate: Hostname mismatch")],
)
def test_a_server_that_is_another_hears_nothing(
    name: str, reason: str, sink: Sinks, start: Starter, batch: Batches
) -> None:
    """A certificate of another CA or for another name ends it before anything is sent."""
    peer = start(name)
    outcome = sink(peer.port).deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith(reason)
    assert peer.requests == []


def test_a_server_that_wants_to_know_us(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """Without our certificate we are turned away, and told why."""
    outcome = sink(peer.port, certificate="", key="").deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert "certificate required" in outcome.reason or "timed out" not in outcome.reason
    assert peer.requests == []


def test_nobody_there(sink: Sinks, batch: Batches) -> None:
    """Nobody listens, or somebody who never speaks: again later, within the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        began = time.monotonic()
        assert sink(port, connect=1).deliver(batch(1)) == Retry("timed out")
        assert time.monotonic() - began < 2.5
    outcome = sink(port).deliver(batch(1))
    assert outcome == Retry(f"localhost:{port}: Connection refused")


def test_a_server_that_accepts_and_never_reads(
    sink: Sinks, batch: Batches, certificates: Path
) -> None:
    """A request that does not get away ends with its deadline."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    held = []

    def accept(server: socket.socket) -> None:
        plain, _ = server.accept()
        held.append(context.wrap_socket(plain, server_side=True))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server,))
        thread.start()
        noise = os.urandom(4_000_000).hex()
        began = time.monotonic()
        outcome = sink(server.getsockname()[1]).deliver(batch(1, detail=noise))
        assert outcome == Retry("timed out")
        assert time.monotonic() - began < 8
        thread.join()
        held[0].close()


def test_old_tls_is_not_spoken(sink: Sinks, batch: Batches, certificates: Path) -> None:
    """A server that speaks TLS 1.1 at most is not spoken to."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    def accept(server: socket.socket) -> None:
        plain, _ = server.accept()
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_side=True)
        plain.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, args=(server,))
        thread.start()
        outcome = sink(server.getsockname()[1]).deliver(batch(1))
        thread.join()
    assert isinstance(outcome, Retry)
    assert outcome.reason.startswith("TLS: ")


# Secrets


def _leaks(error: BaseException) -> bool:
    return TOKEN in "".join(traceback.format_exception(error))


def test_the_token_is_in_nothing_that_is_shown(sink: Sinks, peer: Peer, batch: Batches) -> None:
    """No reason, repr or state of the sink holds the token, nor what the server answered."""
    one = sink(peer.port)
    for word in ("401", "400", "500", "garbage", "reset"):
        peer.behave(word)
        shown = repr(one.deliver(batch(1))) + repr(one) + repr(vars(one))
        assert TOKEN not in shown
        assert "nobody repeats" not in shown


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.chmod(0o640), "not a private file of this user"),
        (lambda path: path.chmod(0o604), "not a private file of this user"),
        (lambda path: os.chown(path, 65534, 65534), "not a private file of this user"),
        (lambda path: path.unlink(), "No such file"),
        (lambda path: (path.unlink(), path.mkdir()), "not a private file"),
        (lambda path: (path.unlink(), os.mkfifo(path, 0o600)), "not a private file"),
        (
            lambda path: (shutil.move(path, f"{path}.x"), path.symlink_to(f"{path}.x")),
            "symbolic links",
        ),
        (lambda path: path.write_text(f"{TOKEN}\r\nX-Evil: {TOKEN}"), "not a bearer token"),
        (lambda path: path.write_text(""), "not a bearer token"),
    ],
)
def test_a_token_that_others_could_read_is_not_used(
    spoil: Callable[[Path], object],
    reason: str,
    *,
    sink: Sinks,
    peer: Peer,
    batch: Batches,
    token: Path,
) -> None:
    """A token from no private file is not sent; put right, it is, without a restart."""
    if "chown" in spoil.__code__.co_names and os.geteuid():
        pytest.skip("only root can give a file away")
    one = sink(peer.port)
    spoil(token)
    outcome = one.deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert reason in outcome.reason
    assert TOKEN not in outcome.reason
    assert peer.requests == []
    if token.is_dir():
        token.rmdir()
    token.unlink(missing_ok=True)
    token.touch(0o600)
    token.write_text(TOKEN)
    assert one.deliver(batch(1)) == Delivered()


def test_a_key_that_others_could_read_is_not_used(
    sink: Sinks, peer: Peer, batch: Batches, certificates: Path, tmp_path: Path
) -> None:
    """A client key from a file that others can read is not used; one locked away is no key."""
    key = tmp_path / "open.key"
    shutil.copy(certificates / "client.key", key)
    key.chmod(0o644)
    outcome = sink(peer.port, key=str(key)).deliver(batch(1))
    assert outcome == Retry(f"{key}: not a private file of this user")
    key.chmod(0o600)
    assert sink(peer.port, key=str(key)).deliver(batch(1)) == Delivered()
    key.write_text("no key at all")
    outcome = sink(peer.port, key=str(key)).deliver(batch(1))
    assert isinstance(outcome, Retry)
    assert "no key at all" not in outcome.reason


def test_a_credential_of_systemd(
    sink: Sinks, peer: Peer, batch: Batches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token comes from $CREDENTIALS_DIRECTORY by its name, and from nowhere else."""
    one = sink(peer.port, token_file="", token_credential="siem")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert one.deliver(batch(1)) == Retry("credential: no $CREDENTIALS_DIRECTORY")
    folder = tmp_path / "credentials"
    folder.mkdir(0o700)
    (folder / "siem").touch()
    (folder / "siem").chmod(0o440)
    if not os.geteuid():
        (folder / "siem").write_text(TOKEN)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
        assert one.deliver(batch(1)) == Delivered()
        assert peer.requests[-1]["headers"]["Authorization"] == f"Bearer {TOKEN}"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    outside = sink(peer.port, token_file="", token_credential="../token").deliver(batch(1))
    assert outside == Retry("credential: expected a plain name")


# Settings and proxies


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"url": "http://localhost/"}, r"sinks\.siem\.url: "),
        ({"url": "https://u:hunter22@localhost/"}, "no user or password"),
        ({"url": "https://"}, "url: not an address"),
        ({"url": "https://localhost/ a"}, "url: not an address"),
        ({"url": "https://[::1/"}, "url: not an address"),
        ({"url": "https://localhost:99999/"}, "url: not a port"),
        ({"proxy": "https://localhost:1"}, r"sinks\.siem\.proxy: "),
        ({"proxy": "http://u:hunter22@localhost:1"}, "no user or password"),
        ({"ca": "ca.pem"}, r"sinks\.siem\.ca: "),
        ({"token_credential": "x"}, "expected one of them"),
        ({"certificate": "", "key": "/k"}, "expected a certificate"),
        ({"answer": 0}, r"sinks\.siem\.answer: "),
        ({"colour": "red"}, "colour"),
    ],
)
def test_settings_that_cannot_work(told: dict[str, Any], reason: str, sink: Sinks) -> None:
    """A setting that cannot work is refused with its name, and never repeats a password."""
    with pytest.raises((SettingsError, SinkError), match=reason) as caught:
        sink(1, **told)
    assert "hunter22" not in "".join(traceback.format_exception(caught.value))


class Proxy(http.server.BaseHTTPRequestHandler):
    """Connects to whom it is told to."""

    asked: list[str]
    status = 200

    def log_message(self, *_: object) -> None:
        pass

    def do_CONNECT(self) -> None:
        type(self).asked.append(self.path)
        self.send_response(self.status)
        self.end_headers()
        if self.status != 200:
            return
        self.close_connection = True
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            back = threading.Thread(target=_pump, args=(there, self.connection))
            back.start()
            _pump(self.connection, there)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.mark.parametrize("status", [200, 407])
def test_a_proxy_from_the_settings_only(
    status: int, sink: Sinks, peer: Peer, batch: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy of the settings is asked to connect; the environment's is not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    class Handler(Proxy):
        pass

    Handler.asked, Handler.status = [], status
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        one = sink(peer.port, proxy=f"http://127.0.0.1:{server.server_port}")
        outcome = one.deliver(batch(1))
        one.close()
        server.shutdown()
    assert Handler.asked == [f"localhost:{peer.port}"]
    assert outcome == (Delivered() if status == 200 else Retry("proxy: refused"))
    assert sink(peer.port).deliver(batch(2)) == Delivered()
    assert len(Handler.asked) == 1
    assert json.dumps(peer.requests).count("/in?x=1") == (2 if status == 200 else 1)
