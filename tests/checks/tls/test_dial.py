"""Looking at listeners that limit connections, greet first or fall silent, and at what is said."""

from __future__ import annotations

import contextlib
import os
import runpy
import socket
import struct
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from checks.tls import http, look
from checks.tls.asking import Unclear
from checks.tls.dial import Dialer
from checks.tls.facts import Target
from checks.tls.hello import ClientHello
from checks.tls.numbers import Version
from checks.tls.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from checks.tls.facts import EndpointFacts

    Serve = Callable[..., AbstractContextManager[int]]

_SERVING = runpy.run_path(str(Path(__file__).with_name("serving.py")))
gnutls, made, s_server = _SERVING["gnutls"], _SERVING["made"], _SERVING["s_server"]
RESET = struct.pack("ii", 1, 0)


def target(port: int) -> Target:
    return Target("127.0.0.1", port, "localhost")


def seen(facts: EndpointFacts) -> dict[str, Any]:
    """Give what does not differ from look to look."""
    left_out = {"target", "seconds", "connections", "failed", "http"}
    return {k: v for k, v in msgspec.structs.asdict(facts).items() if k not in left_out}


class Relay:
    """Passes so many connections a second on to a port and hangs up on the others; counts them."""

    def __init__(self, port: int, most: float, linger: bytes = b"") -> None:
        self._port, self._most, self._linger = port, most, linger
        self._times: deque[float] = deque()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.turned_away = self.passed = self.most_open = 0
        self._open: set[socket.socket] = set()
        self.said = bytearray()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                now = time.monotonic()
                while self._times and self._times[0] < now - 1:
                    self._times.popleft()
                self._times.append(now)
                if len(self._times) > self._most:
                    self.turned_away += 1
                    if self._linger:
                        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, self._linger)
                    link.close()
                else:
                    self.passed += 1
                    threading.Thread(target=self._join, args=(link,), daemon=True).start()

    def _join(self, link: socket.socket) -> None:
        with self._lock:
            self._open.add(link)
            self.most_open = max(self.most_open, len(self._open))
        with (
            contextlib.suppress(ConnectionError),
            link,
            socket.create_connection(("127.0.0.1", self._port)) as server,
        ):
            back = threading.Thread(target=self._pump, args=(server, link, link, bytearray()))
            back.start()
            self._pump(link, server, link, self.said)
            back.join()

    def _pump(
        self, source: socket.socket, sink: socket.socket, link: socket.socket, heard: bytearray
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                heard += data
                sink.sendall(data)
        with self._lock:  # before anybody can know
            self._open.discard(link)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    """Give relays that end with the test."""
    made: list[Relay] = []

    def start(port: int, most: float = float("inf"), linger: bytes = b"") -> Relay:
        made.append(Relay(port, most, linger))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture
def peer() -> Iterator[Callable[[Callable[[socket.socket], object]], Target]]:
    """Give listeners that do to each connection what a function does."""
    listeners: list[socket.socket] = []

    def start(talk: Callable[[socket.socket], object]) -> Target:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def handle(link: socket.socket) -> None:
            with link, contextlib.suppress(OSError):
                talk(link)

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    threading.Thread(target=handle, args=(link,), daemon=True).start()

        threading.Thread(target=run, daemon=True).start()
        return target(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize("linger", [b"", RESET], ids=["closes", "resets"])
def test_a_listener_that_takes_ten_connections_a_second_is_seen_as_it_is(
    s_server: Serve, relay: Callable[..., Relay], linger: bytes
) -> None:
    """The look takes longer and comes to the same: nobody who was turned away is a wrong no."""
    with s_server("-www", "-cipher", "ECDHE+AESGCM:AES128-SHA") as port:
        plain = look.observe(target(port))
        limited = relay(port, 10, linger)
        slow = look.observe(target(limited.port), seconds=30)  # strangers are turned away too
    assert limited.turned_away
    assert plain.unseen == slow.unseen == ()
    assert seen(slow) == seen(plain)
    assert plain.seconds < slow.seconds


def test_a_listener_that_takes_hardly_any_is_not_settled(
    s_server: Serve, relay: Callable[..., Relay]
) -> None:
    """What was not asked in time is unseen; the rest is true."""
    with s_server("-www", "-cipher", "ECDHE+AESGCM:AES128-SHA") as port:
        plain = seen(look.observe(target(port)))
        slow = look.observe(target(relay(port, 2, RESET).port), seconds=3.0)
    assert slow.unseen
    assert slow.seconds < 4
    found = seen(slow)
    for version, spoken in found["versions"].items():
        assert spoken in {None, plain["versions"][version]}
    for name in ("compression", "server_order", "client_renegotiation", "early_data"):
        assert found[name] in {None, plain[name]}
    assert set(found["groups"]) <= set(plain["groups"])


def test_never_more_than_two_at_a_time(s_server: Serve, relay: Callable[..., Relay]) -> None:
    """Several names of one listener are asked for side by side, and share its pace."""
    with s_server("-www") as port:
        watched, pace = relay(port), Pace()
        threads = [
            threading.Thread(
                target=look.observe, args=(target(watched.port),), kwargs={"pace": pace}
            )
            for _ in range(4)
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert watched.passed > 4 * 20
    assert watched.most_open in {2, 3}  # another test may look for listeners meanwhile


# What is said


@pytest.mark.parametrize(("option", "expected"), [((), False), (("-client_renegotiation",), True)])
@pytest.mark.parametrize("only", [(), ("-no_tls1_3",)])
def test_renegotiation_is_told(
    s_server: Serve,
    option: tuple[str, ...],
    only: tuple[str, ...],
    expected: bool,  # noqa: FBT001 - a row of the table
) -> None:
    """A server that takes part in it is seen beside TLS 1.3 and without."""
    with s_server("-www", *option, *only) as port:
        facts = look.observe(target(port))
    assert facts.client_renegotiation is expected
    assert facts.unseen == ()


def test_renegotiation_is_told_of_gnutls(gnutls: Serve) -> None:
    """Its server takes part, also in one that is bound to nothing."""
    with gnutls("NORMAL:%DISABLE_SAFE_RENEGOTIATION") as port:
        facts = look.observe(target(port))
    assert (facts.client_renegotiation, facts.secure_renegotiation) == (True, False)


@pytest.mark.parametrize("version", ["-no_tls1_3", "-tls1_3"])
def test_who_insists_on_a_certificate_has_none_for_a_stranger(
    s_server: Serve, version: str
) -> None:
    """Mutual TLS is told as such, and what a stranger cannot ask is no gap of the look."""
    with s_server("-Verify", "1", version) as port:
        facts = look.observe(target(port))
    assert facts.asks_certificate is True
    assert not facts.client_renegotiation
    assert facts.unseen == ()
    assert facts.chains[0].proved is True


def test_a_silent_listener_ends_in_time(peer: Callable[..., Target]) -> None:
    """It is asked no more than its deadline allows, and nothing is claimed of it."""
    times: list[float] = []
    where = peer(lambda link: (times.append(time.monotonic()), time.sleep(30)))
    facts = look.observe(where, seconds=1.5)
    assert facts.seconds < 2
    assert not facts.speaks_tls
    assert facts.unseen
    assert len(times) <= 2


def test_a_connection_ends_in_good_order(s_server: Serve, relay: Callable[..., Relay]) -> None:
    """The last words in clear of a refused hello are the server's; of an abandoned one, ours."""
    with s_server("-cipher", "ARIA128-GCM-SHA256", "-no_tls1_3") as port:
        watched = relay(port)
        dialer = Dialer(target(watched.port), 5, 5)
        asked = ClientHello(Version.TLS12, (0xC050,), os.urandom(32))
        assert dialer.ask(asked).hello
        assert dialer.ask(asked._replace(suites=(0x009C,))).answer.alert == 40
        time.sleep(0.1)
    assert bytes(watched.said).count(b"\x15\x03\x03\x00\x02\x01\x00") == 1
    assert (dialer.connections, dialer.failed) == (2, 2)


def test_a_handshake_that_is_read_here_is_finished(s_server: Serve) -> None:
    """What a hello began is not left half done: it does not count as failed."""
    with s_server() as port:
        dialer = Dialer(target(port), 5, 5)
        for version, codes in ((Version.TLS12, (0xC02F,)), (Version.TLS13, (0x1301,))):
            asked = ClientHello(version, codes, os.urandom(32), groups=(23, 29))
            assert dialer.ask(asked).hello
        assert dialer.ask(asked._replace(groups=(256,))).hello  # a power modulo a prime is not
    assert (dialer.connections, dialer.failed) == (3, 1)


def test_no_more_connections_than_are_allowed(s_server: Serve) -> None:
    """The next one is not settled, and says why."""
    with s_server() as port:
        dialer = Dialer(target(port), 5, 1)
        asked = ClientHello(Version.TLS12, (0xC02F,), os.urandom(32), groups=(23,))
        assert dialer.ask(asked).hello
        assert dialer.ask(asked).unclear is Unclear.SPENT
    assert dialer.connections == 1


@pytest.mark.parametrize(("port", "asked"), [(465, False), (993, False), (443, True), (9999, True)])
def test_mail_servers_are_asked_for_no_page(port: int, asked: bool) -> None:  # noqa: FBT001 - a row of the table
    """By its port a web server is told from those that take a request for an attack."""
    assert http.may_be_asked(Target("127.0.0.1", port)) is asked
    assert not http.may_be_asked(Target("127.0.0.1", port, "", "smtp"))
