"""Fixtures for talking TLS: certificates made anew, real servers on a free port, a scripted peer.

Tests are found by path, not imported: a module that wants these takes them out of
`runpy.run_path` of this file.
"""

from __future__ import annotations

import contextlib
import datetime
import runpy
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from checks.tls.session13 import Session

_PATIENCE = 5.0


class Made(NamedTuple):
    """A key and its certificate, and the files they are in."""

    key: Any
    der: bytes
    certificate: str
    private: str


_KEYS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
}


def _make(folder: Path, kind: str) -> Made:
    key = _KEYS[kind]()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now - day, now + 9 * day)
    signed = built.sign(key, None if kind.startswith("ed") else hashes.SHA256())
    certificate, private = folder / f"{kind}.crt", folder / f"{kind}.key"
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return Made(key, signed.public_bytes(Encoding.DER), str(certificate), str(private))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Give a function that makes a key of a kind and a certificate for it, once."""
    folder = tmp_path_factory.mktemp("certificates")
    found: dict[str, Made] = {}

    def make(kind: str) -> Made:
        if kind not in found:
            found[kind] = _make(folder, kind)
        return found[kind]

    return make


@pytest.fixture(scope="session")
def peer13() -> SimpleNamespace:
    """What the module of the scripted peer has."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("peer13.py"))))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait(port: int, server: subprocess.Popen[bytes], address: str = "127.0.0.1") -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection((address, port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the server did not begin to listen")


@contextlib.contextmanager
def running(words: list[str], port: int, address: str = "127.0.0.1") -> Iterator[int]:
    """Run a server until the block ends; give its port once it listens."""
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            wait(port, server, address)
            yield port
        finally:  # gently, since a killed parent leaves its workers behind
            server.terminate()
            try:
                server.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="session")
def s_server(made: Callable[[str], Made]) -> Callable[..., AbstractContextManager[int]]:
    """Run `openssl s_server` with options of its own; give its port; stopped by its process."""

    def started(*options: str, kind: str = "rsa") -> AbstractContextManager[int]:
        port, one = free_port(), made(kind)
        words = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", one.certificate]
        return running([*words, "-key", one.private, *options], port)

    return started


@pytest.fixture(scope="session")
def gnutls(made: Callable[[str], Made]) -> Callable[..., AbstractContextManager[int]]:
    """Run `gnutls-serv` with a priority string; give its port; stopped by its process."""

    def started(priority: str, *options: str, kind: str = "rsa") -> AbstractContextManager[int]:
        port, one = free_port(), made(kind)
        words = ["gnutls-serv", "-q", "-p", str(port), "--x509certfile", one.certificate]
        words += ["--x509keyfile", one.private, "--priority", priority, "--echo"]
        return running([*words, *options], port)

    return started


def _finished(session: Session) -> bool:
    return session.finished


@pytest.fixture
def converse() -> Callable[..., None]:
    """Give a function that goes through a session with a port until it is done or closed."""

    def talked(
        session: Session,
        port: int,
        request: bytes = b"",
        done: Callable[[Session], bool] = _finished,
    ) -> None:
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as link:
            link.settimeout(_PATIENCE)
            link.sendall(session.start())
            while not session.closed and (data := link.recv(1 << 16)):
                link.sendall(session.receive(data))
                if session.finished and request:
                    link.sendall(session.send(request))
                    request = b""
                if not request and done(session):
                    return

    return talked


@pytest.fixture
def flight() -> Callable[[int, bytes], bytes]:
    """Give a function that sends bytes to a port, then ends, and gives all that comes back."""

    def asked(port: int, message: bytes) -> bytes:
        got = b""
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as link:
            link.settimeout(_PATIENCE)
            link.sendall(message)
            link.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                while data := link.recv(1 << 16):
                    got += data
        return got

    return asked
