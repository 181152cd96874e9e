"""Fixtures for talking TLS: certificates made anew, real servers on a free port, a scripted peer.

Tests are found by path, not imported: a module that wants these takes them out of
`runpy.run_path` of this file.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import runpy
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from checks.tls.session13 import Session

    Talk = Callable[[socket.socket], object]

_PATIENCE = 5.0
_CLIENT = 20.0
"""Seconds that a scripted peer waits for its client."""
PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
"""Where servers are; some are on nobody's PATH but root's."""
POSTFIX_SERVICES = """
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
pickup unix n - n 60 1 pickup
"""
"""What master.cf needs beside the services that are asked."""

OPENSSL_CNF = """
openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = system
[system]
"""
"""An openssl.cnf up to its defaults for TLS, which follow."""


class Made(NamedTuple):
    """A key and its certificate, and the files they are in, apart and together."""

    key: Any
    der: bytes
    certificate: str
    private: str
    both: str


KEYS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
}


def _make(folder: Path, kind: str) -> Made:
    key = KEYS[kind]()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now - day, now + 9 * day)
    built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = built.sign(key, None if kind.startswith("ed") else hashes.SHA256())
    return written(folder, kind, key, signed.public_bytes(Encoding.DER))


def written(folder: Path, name: str, key: Any, der: bytes) -> Made:  # noqa: ANN401 - any key
    """Write a certificate as NAME.crt, its key as NAME.key, and both as NAME.pem.

    The key first, as Postfix wants it.
    """
    certificate = ssl.DER_cert_to_PEM_cert(der)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    files = {"crt": certificate, "key": private, "pem": private + certificate}
    for end, text in files.items():
        (folder / f"{name}.{end}").write_text(text)
    return Made(key, der, *(str(folder / f"{name}.{end}") for end in files))


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
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Give ports of loopback that nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def wait(
    port: int, server: subprocess.Popen[bytes] | None = None, address: str = "127.0.0.1"
) -> None:
    """Wait until somebody listens on a port, as long as its server runs."""
    until = time.monotonic() + 4 * _PATIENCE
    while time.monotonic() < until and (server is None or server.poll() is None):
        try:
            socket.create_connection((address, port), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("the server did not begin to listen")


@contextlib.contextmanager
def running(
    words: list[str],
    *ports: int,
    address: str = "127.0.0.1",
    log: Path | None = None,
    user: str | None = None,
    env: dict[str, str] | None = None,
) -> Iterator[int]:
    """Run a server until the block ends; give its first port once it listens on all of them."""
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        server = stack.enter_context(
            subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=said, stderr=said, user=user, env=env
            )
        )
        stack.callback(_end, server)
        for port in ports:
            wait(port, server, address)
        yield ports[0]


def _end(server: subprocess.Popen[bytes]) -> None:
    """End a server gently, since a killed parent leaves its workers behind."""
    server.terminate()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        server.kill()


@contextlib.contextmanager
def listening(talk: Talk) -> Iterator[int]:
    """Listen on loopback and do to each connection what TALK does; give the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    threading.Thread(target=meet, args=(link,), daemon=True).start()

        def meet(link: socket.socket) -> None:
            with link, contextlib.suppress(KeyError, OSError, WireError):
                link.settimeout(_CLIENT)
                talk(link)

        threading.Thread(target=run, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


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
