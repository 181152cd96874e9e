"""Real servers on loopback, and small ones that misbehave, each told for what it is."""

from __future__ import annotations

import contextlib
import runpy
import shutil
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import spoken as asking
from checks.tls.identify import identify
from checks.tls.listeners import Listener
from checks.tls.spoken import CONNECTIONS, Heard, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Handler = Callable[[socket.socket], object]
    Serve = Callable[..., AbstractContextManager[int]]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
made, s_server = _SERVING["made"], _SERVING["s_server"]
free_port, running = _SERVING["free_port"], _SERVING["running"]


class Server:
    """A server of one handler; it counts connections and keeps what clients said."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._socket.accept()
                self.accepted += 1
                threading.Thread(target=self._handle, args=(link,), daemon=True).start()

    def _handle(self, link: socket.socket) -> None:
        with link, contextlib.suppress(OSError):
            link.settimeout(10)
            self._handler(link)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    """Start servers that end with the test."""
    servers: list[Server] = []

    def start(handler: Handler) -> Server:
        servers.append(Server(handler))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def listener(port: int, **more: str | int) -> Listener:
    """Describe a listener as the list of them would."""
    known: dict[str, Any] = {"address": "127.0.0.1", "family": 4, "inodes": (1,), "uid": 0}
    return Listener(port=port, **(known | more))


def greets(greeting: bytes, *answers: bytes) -> Handler:
    """Make a handler that greets, then answers each piece that comes with the next answer."""

    def handler(link: socket.socket) -> None:
        link.sendall(greeting)
        for answer in answers:
            if not link.recv(65536):
                return
            link.sendall(answer)
        link.recv(65536)

    return handler


def waits(*answers: bytes) -> Handler:
    """Make a handler that says nothing until it is spoken to."""
    return greets(b"", *answers)


def silent(link: socket.socket) -> None:
    """Take all and say nothing."""
    while link.recv(65536):
        pass


def resets(link: socket.socket) -> None:
    """Reset as soon as something was said."""
    link.recv(1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drips(piece: bytes) -> Handler:
    """Make a handler that sends one byte a second, over and over."""

    def handler(link: socket.socket) -> None:
        for at in range(20):
            link.sendall(piece[at % len(piece) : at % len(piece) + 1])
            time.sleep(1)

    return handler


@pytest.fixture(scope="module", params=["-tls1_3", "-tls1_2"])
def openssl(request: pytest.FixtureRequest, s_server: Serve) -> Iterator[int]:
    """A TLS server of one version; gives its port."""
    with s_server("-quiet", request.param) as port:
        yield port


def test_tls_is_told_by_one_connection(openssl: int) -> None:
    """A server that waits for a hello speaks TLS; one connection tells."""
    spoken = identify(listener(openssl))
    assert (spoken.kind, spoken.connections, spoken.settled) == (Kind.TLS, 1, True)


def test_tls_is_told_where_only_an_alert_comes(s_server: Serve) -> None:
    """A server that likes none of our suites says so in TLS."""
    options = ("-quiet", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM8")
    with s_server(*options, kind="p256") as port:
        assert identify(listener(port)).kind is Kind.TLS


def test_a_server_of_ssl_2_is_tls_too(serve: Callable[[Handler], Server]) -> None:
    """A server that waits for a whole hello of SSL 2 gets one; of other bytes it makes nothing."""

    def ssl2(link: socket.socket) -> None:
        data = link.recv(65536)
        if data[:1] != b"\x80":
            silent(link)
        body = b"\x04\x00\x01\x00\x02" + struct.pack(">HHH", 1, 3, 16) + b"c" + b"\x07\x00\xc0"
        link.sendall(struct.pack(">H", 0x8000 | len(body) + 16) + body + bytes(16))

    assert identify(listener(serve(ssl2).port)).kind is Kind.TLS


def test_a_server_of_the_last_century_is_tls_too(serve: Callable[[Handler], Server]) -> None:
    """Who hangs up on extensions is asked again without any."""

    def old(link: socket.socket) -> None:
        if link.recv(65536)[9:11] == b"\x03\x00":
            link.sendall(b"\x15\x03\x00\x00\x02\x02\x28")

    server = serve(old)
    assert identify(listener(server.port)).kind is Kind.TLS
    assert server.accepted == 2


def test_a_real_sshd_is_ssh(tmp_path: Path) -> None:
    """The ssh daemon of this host is told by its greeting, and hears nothing from us."""
    daemon = shutil.which("sshd") or "/usr/sbin/sshd"
    key = tmp_path / "host"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    port = free_port()
    config = tmp_path / "config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nUsePAM no\n"
        f"PidFile {tmp_path}/pid\nStrictModes no\n"
    )
    with contextlib.ExitStack() as stack:
        if not (here := tmp_path.joinpath("/run/sshd")).exists():
            here.mkdir()
            stack.callback(here.rmdir)
        stack.enter_context(running([daemon, "-D", "-e", "-f", str(config)], port))
        spoken = identify(listener(port))
    assert (spoken.kind, spoken.protocol, spoken.connections) == (Kind.PLAIN, "ssh", 1)


def test_a_real_web_server_is_http() -> None:
    """A plain web server answers our hello at once, although it has no line to end for it."""
    port = free_port()
    words = ["python3", "-I", "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with running(words, port):
        begun = time.monotonic()
        spoken = identify(listener(port))
    assert (spoken.kind, spoken.protocol, spoken.connections) == (Kind.PLAIN, "http", 1)
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(
    ("handler", "protocol"),
    [
        (
            greets(
                b"220 mail.test ESMTP\r\n",
                b"250-mail.test\r\n250-SIZE 1\r\n250 STARTTLS\r\n",
                b"220 go\r\n",
            ),
            "smtp",
        ),
        (
            greets(
                b"220-one\r\n220 two\r\n",
                b"250-mail.test\r\n250 STARTTLS\r\n",
                b"220 go\r\n",
            ),
            "smtp",
        ),
        (greets(b"220 ready\r\n", b"500 what?\r\n", b"234 AUTH TLS\r\n"), "ftp"),
        (greets(b"220 FTP ready\r\n", b"234 AUTH TLS\r\n"), "ftp"),
        (greets(b"* OK IMAP4rev1\r\n", b"a OK begin\r\n"), "imap"),
        (greets(b"+OK ready\r\n", b"+OK begin\r\n"), "pop3"),
        (
            greets(
                b"\x4a\0\0\0\x0a8.0.0\0" + bytes(13) + b"\xff\xff" + bytes(31) + b"native\0" * 4
            ),
            "mysql",
        ),
    ],
)
def test_who_greets_is_asked_for_tls_in_its_own_words(
    handler: Handler, protocol: str, serve: Callable[[Handler], Server]
) -> None:
    """A server that speaks first is told by its greeting and asked for TLS on that connection."""
    spoken = identify(listener(serve(handler).port))
    assert (spoken.kind, spoken.protocol, spoken.connections) == (Kind.STARTTLS, protocol, 1)


@pytest.mark.parametrize(
    ("handler", "protocol"),
    [
        (greets(b"220 mail.test ESMTP\r\n", b"250 mail.test\r\n"), "smtp"),
        (greets(b"220 ready\r\n", b"500 what?\r\n", b"502 no\r\n"), "ftp"),
        (greets(b"220 LMTP ready\r\n"), "lmtp"),
        (greets(b"* OK IMAP4rev1\r\n", b"a NO never\r\n"), "imap"),
        (greets(b"+OK ready\r\n", b"-ERR never\r\n"), "pop3"),
        (greets(b"RFB 003.008\n"), "vnc"),
        (waits(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "http"),
        (waits(b"-ERR unknown command\r\n"), "redis"),
    ],
)
def test_a_protocol_without_tls_is_plain(
    handler: Handler, protocol: str, serve: Callable[[Handler], Server]
) -> None:
    """A server that is known and offers no TLS is settled as plain."""
    spoken = identify(listener(serve(handler).port))
    assert (spoken.kind, spoken.protocol) == (Kind.PLAIN, protocol)


LDAP_YES = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
LDAP_NO = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"


@pytest.mark.parametrize(
    ("executable", "answer", "kind"),
    [
        ("/usr/lib/postgresql/15/bin/postgres", b"S", Kind.STARTTLS),
        ("/usr/lib/postgresql/15/bin/postgres", b"N", Kind.PLAIN),
        ("/usr/sbin/slapd", LDAP_YES, Kind.STARTTLS),
        ("/usr/sbin/slapd", LDAP_NO, Kind.PLAIN),
    ],
)
def test_who_waits_is_asked_where_its_program_suggests_it(
    executable: str, answer: bytes, kind: Kind, serve: Callable[[Handler], Server]
) -> None:
    """A program that is known is asked in its own words first."""
    spoken = identify(listener(serve(waits(answer)).port, executable=executable))
    assert (spoken.kind, spoken.connections) == (kind, 1)


def test_a_suggestion_that_is_wrong_costs_one_connection(openssl: int) -> None:
    """TLS is found behind a program whose name suggests PostgreSQL."""
    spoken = identify(listener(openssl, executable="/usr/bin/pgbouncer"))
    assert spoken.kind is Kind.TLS
    assert spoken.connections <= CONNECTIONS


def test_nobody_is_asked_in_words_that_nothing_suggests(
    serve: Callable[[Handler], Server],
) -> None:
    """Without a suggestion a server hears TLS hellos only."""
    heard: list[bytes] = []

    def keeps(link: socket.socket) -> None:
        heard.append(link.recv(65536))

    spoken = identify(listener(serve(keeps).port))
    assert spoken.kind is Kind.CLOSED
    assert [data[:1] for data in heard] == [b"\x16", b"\x16", b"\x80"]


@pytest.mark.parametrize("handler", [silent, drips(b"22"), drips(b"\x16\x03\x03")])
def test_silence_settles_nothing_and_ends_in_time(
    handler: Handler, serve: Callable[[Handler], Server]
) -> None:
    """A server that is silent, or drips a byte a second, is unsettled within the deadline."""
    begun = time.monotonic()
    spoken = identify(listener(serve(handler).port), seconds=1.5)
    assert time.monotonic() - begun < 2
    assert (spoken.kind, spoken.settled) == (Kind.SILENT, False)


def test_a_reset_settles_nothing(serve: Callable[[Handler], Server]) -> None:
    """A server that resets may speak TLS at another time; it is asked three times at the most."""
    server = serve(resets)
    spoken = identify(listener(server.port))
    assert (spoken.kind, spoken.settled) == (Kind.RESET, False)
    assert server.accepted == spoken.connections == CONNECTIONS


def test_a_refusal_settles_nothing() -> None:
    """Where nobody listens any more the connection is refused."""
    spoken = identify(listener(free_port()))
    assert (spoken.kind, spoken.connections) == (Kind.REFUSED, 1)


@pytest.mark.parametrize("answer", [b"\x16\x03\x03\x00\x01\x00", b"\x17\x03\x03", b"\xff\xfd\x18"])
def test_endless_bytes_are_bounded(answer: bytes, serve: Callable[[Handler], Server]) -> None:
    """A server that sends without end is no TLS server, and is left in time."""

    def floods(link: socket.socket) -> None:
        link.recv(65536)
        while True:
            link.sendall(answer * 4096)

    begun = time.monotonic()
    spoken = identify(listener(serve(floods).port), seconds=2)
    assert time.monotonic() - begun < 3
    assert spoken.kind in {Kind.OTHER, Kind.CLOSED, Kind.SILENT, Kind.RESET}


def test_a_server_that_turns_clients_away_is_not_settled(
    serve: Callable[[Handler], Server],
) -> None:
    """A busy mail server's 421 says nothing of its TLS."""
    assert not identify(listener(serve(greets(b"421 too busy\r\n")).port)).settled


def test_who_greets_late_is_asked_again(serve: Callable[[Handler], Server]) -> None:
    """A mail server that took our hello for bad mail is greeted once more, with patience."""

    def late(link: socket.socket) -> None:
        time.sleep(0.4)
        greets(b"220 mail.test ESMTP\r\n", b"250 STARTTLS\r\n", b"220 go\r\n")(link)

    for executable in ("", "/usr/bin/pgbouncer"):
        spoken = identify(listener(serve(late).port, executable=executable))
        assert (spoken.kind, spoken.protocol) == (Kind.STARTTLS, "smtp")
        assert spoken.connections == 2


@pytest.mark.parametrize("begun", [b"\x16\x03\x03\x00", b"\x16\x03\x03\x00\x04\x0e\0\0\0"])
def test_a_handshake_that_breaks_off_settles_nothing(
    begun: bytes, serve: Callable[[Handler], Server]
) -> None:
    """What begins like TLS and ends at once may be a server in trouble, not one without TLS."""

    def breaks(link: socket.socket) -> None:
        link.recv(65536)
        link.sendall(begun)

    assert not identify(listener(serve(breaks).port)).settled


def test_no_name_makes_it_fail(openssl: int) -> None:
    """A server name that no host can have is left out."""
    assert identify(listener(openssl), server_name="x" * 80).kind is Kind.TLS


@given(st.data())
def test_whatever_is_heard_an_inquiry_ends_within_its_connections(data: st.DataObject) -> None:
    """No sequence of answers makes an inquiry raise, go on without end or ask for a fifth one."""
    hint = data.draw(st.sampled_from(["", "postgres", "ldap", "xmpp", "smtp", "mysql"]))
    port = data.draw(st.sampled_from([1, 443]))
    ends = st.builds(
        Heard, end=st.sampled_from([Kind.SILENT, Kind.CLOSED, Kind.RESET, Kind.REFUSED])
    )
    some = st.sampled_from([b"220 x\r\n", b"250 STARTTLS\r\n", b"\x16\x03\x03", b"S", b"\x80\3\0"])
    pieces = st.builds(Heard, some | st.binary(min_size=1, max_size=9))
    inquiry = asking.inquiry(bytes(32), port=port, hint=hint)
    step, fresh = next(inquiry), 0
    for _ in range(100):
        fresh += step.fresh
        spare = fresh <= CONNECTIONS
        heard = data.draw(ends | pieces) if spare else Heard(end=Kind.SILENT)
        try:
            step = inquiry.send(heard)
        except StopIteration:
            break
    else:
        pytest.fail("goes on without end")
    assert fresh <= CONNECTIONS + 1


def test_ipv6_loopback_is_reached(serve: Callable[[Handler], Server]) -> None:
    """A listener of ::1 is asked at ::1, where no other answers."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as one:
        port = one.getsockname()[1]

        def greet() -> None:
            link, _ = one.accept()
            with link:
                link.sendall(b"SSH-2.0-test\r\n")

        threading.Thread(target=greet, daemon=True).start()
        there = identify(listener(port, address="::1", family=6))
        assert (there.kind, there.protocol) == (Kind.PLAIN, "ssh")
        assert identify(listener(port)).kind is Kind.REFUSED
