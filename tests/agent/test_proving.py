"""Which certificate is served: by a whole handshake, on this host, within seconds."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from agent import proving
from agent.proving import ProvingError
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.agent.vault.authority import Issued

    Serve = Callable[[Callable[[socket.socket], None]], int]

NAMES = ("one.example.net", "two.example.net")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that does something with each connection; gives its port."""
    with contextlib.ExitStack() as stack:

        def start(answer: Callable[[socket.socket], None]) -> int:
            server = socket.create_server(("127.0.0.1", 0))
            stack.callback(server.close)
            stack.callback(lambda: server.shutdown(socket.SHUT_RDWR))
            threading.Thread(target=_serve, args=(server, answer), daemon=True).start()
            port: int = server.getsockname()[1]
            return port

        yield start


def _serve(server: socket.socket, answer: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        with line, contextlib.suppress(OSError):
            answer(line)


@pytest.fixture
def certificates(tmp_path: Path) -> dict[str, Issued]:
    """A certificate for each name, with their files below the test's folder."""
    made = {name: issue(name, names=[name]) for name in NAMES}
    for name, one in made.items():
        one.write(tmp_path, name)
    return made


@pytest.fixture
def port(serve: Serve, certificates: dict[str, Issued], tmp_path: Path) -> int:
    """Where a server is with the first certificate, and with the second for who asks for it."""
    contexts = {name: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for name in certificates}
    for name, context in contexts.items():
        context.load_cert_chain(tmp_path / f"{name}.pem", tmp_path / f"{name}.key")

    def choose(line: ssl.SSLSocket, name: str | None, _: object) -> None:
        line.context = contexts.get(name or "", contexts[NAMES[0]])

    contexts[NAMES[0]].sni_callback = choose  # type: ignore[assignment]  # typed for SSLObject too
    return serve(lambda line: contexts[NAMES[0]].wrap_socket(line, server_side=True).close())


def digest(one: Issued) -> str:
    return hashlib.sha256(one.certificate.public_bytes(Encoding.DER)).hexdigest()


def test_it_says_which_certificate_is_served(port: int, certificates: dict[str, Issued]) -> None:
    """Each name has its own; without one it is that of all others."""
    at, listening = f"127.0.0.1:{port}", {("127.0.0.1", port)}
    for name, one in certificates.items():
        assert proving.which(proving.served(at, name, listening)) == digest(one)
    assert proving.which(proving.served(at, "", listening)) == digest(certificates[NAMES[0]])


@pytest.mark.parametrize("at", ["127.0.0.1", "0.0.0.0", "::"])
def test_a_server_of_any_address_is_one_of_this_host(port: int, at: str) -> None:
    """Loopback is asked where somebody listens at all addresses, or at that one."""
    assert proving.served(f"127.0.0.1:{port}", "", {(at, port)})


def test_where_nobody_of_this_host_listens_nobody_is_asked(port: int) -> None:
    """Neither another port nor another address, though there is a server behind it."""
    for listening in (set(), {("127.0.0.1", port + 1)}, {("192.0.2.1", port)}, {("0.0.0.0", 1)}):
        with pytest.raises(ProvingError, match="nothing listens there on this host"):
            proving.served(f"127.0.0.1:{port}", "", listening)
    with pytest.raises(ProvingError, match="nothing listens there on this host"):
        proving.served(f"192.0.2.1:{port}", "", {("0.0.0.0", port)})


@pytest.mark.parametrize(
    "address",
    [
        "",
        "443",
        "127.0.0.1",
        "127.0.0.1:",
        ":443",
        "www.example.net:443",
        "127.0.0.1:\u0661",
        "[::1:x",
        "127.0.0.1:4430000",
        "127.0.0.1:-1",
        "127.1:443",
        "0x7f000001:443",
    ],
)
def test_an_address_is_one_of_numbers(address: str) -> None:
    """A name would be looked up, and could lead anywhere."""
    with pytest.raises(ProvingError, match="expected ADDRESS:PORT"):
        proving.served(address, "", {("127.0.0.1", 443)})


@given(st.text(max_size=40), st.text(max_size=20))
def test_no_address_does_anything_but_be_refused(address: str, name: str) -> None:
    """Where nothing listens, whatever is asked for."""
    with pytest.raises(ProvingError):
        proving.served(address, name, set())


@pytest.mark.parametrize(
    "name", [".", ".a", "a..b", "a b", "a" * 64, "a\0b", "a\n", "\udc80", "ü", "ü" * 70]
)
def test_a_name_that_is_none_is_refused(port: int, name: str) -> None:
    """Nothing but our own error comes of it; addresses and long names are names."""
    listening = {("127.0.0.1", port)}
    with pytest.raises(ProvingError, match="expected the name of a host"):
        proving.served(f"127.0.0.1:{port}", name, listening)
    for good in (NAMES[0], "192.0.2.1", "2001:db8::1", ".".join(["a" * 63] * 3), "_a.example."):
        assert proving.served(f"127.0.0.1:{port}", good, listening)


def _drip(line: socket.socket) -> None:
    """Begin a long record, and never come to its end."""
    line.sendall(b"\x16\x03\x03\x40\x00")
    while True:
        line.sendall(b"\0")
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda line: line.close(), "no handshake"),
        (lambda line: line.recv(1) and line.sendall(b"HTTP/1.1 400 no\r\n\r\n"), "no handshake"),
        (lambda line: line.sendall(b"\x15\x03\x03\x00\x02\x02\x28"), "no handshake"),
        (_drip, "no handshake"),
        (lambda _: time.sleep(10), "no handshake"),
    ],
    ids=["closes", "speaks plainly", "alerts", "drips", "is silent"],
)
def test_who_makes_no_handshake_is_told_in_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., None], why: str
) -> None:
    """The whole of it is bounded, however it is drawn out."""
    monkeypatch.setattr(proving, "_SECONDS", 1.0)
    port, began = serve(answer), time.monotonic()
    with pytest.raises(ProvingError, match=why):
        proving.served(f"127.0.0.1:{port}", "", {("127.0.0.1", port)})
    assert time.monotonic() - began < 8


def test_nobody_at_all_is_told(port: int) -> None:
    """A server that ended between two looks."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(ProvingError, match=r"no handshake: Connection refused"):
        proving.served(f"127.0.0.1:{free}", "", {("127.0.0.1", free)})
    assert proving.served(f"127.0.0.1:{port}", "", {("127.0.0.1", port)})
