"""What no server of today says: SSL 2, export suites, compression. The wire format and no more."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING, NamedTuple

from checks.tls.answer import read_extensions
from checks.tls.numbers import Alert, Extension, Version
from checks.tls.wire import Reader, number, numbers, vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rule = Callable[["Offered"], bytes]

_RANDOM = bytes(range(32))
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


class Offered(NamedTuple):
    """What a client offers; version SSL2 and nothing else for a hello of SSL 2."""

    version: int
    suites: tuple[int, ...] = ()
    compressions: bytes = b""
    session: bytes = b""
    extensions: dict[int, bytes] = {}  # noqa: RUF012 - never written to

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups it can agree on keys in."""
        listed = self.extensions.get(Extension.SUPPORTED_GROUPS, b"\0\0")
        return Reader(listed[2:]).numbers(2)


def read(data: bytes) -> Offered | None:
    """Read a client's first flight; None until it is whole."""
    if data[:1] and data[0] & 0x80:
        return Offered(Version.SSL2)
    if len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        return None
    reader = Reader(data[9:])
    version, _ = reader.number(2), reader.take(32)
    session, suites = reader.vector(1), Reader(reader.vector(2)).numbers(2)
    compressions = reader.vector(1)
    extensions = read_extensions(reader.vector(2)) if len(reader) else {}
    if Extension.SUPPORTED_VERSIONS in extensions:
        version = max(Reader(extensions[Extension.SUPPORTED_VERSIONS][1:]).numbers(2))
    return Offered(version, suites, compressions, session, extensions)


def record(kind: int, body: bytes, version: int = Version.TLS10) -> bytes:
    return number(kind, 1) + number(version, 2) + vector(body, 2)


def message(kind: int, body: bytes) -> bytes:
    return number(kind, 1) + vector(body, 3)


def refusal(alert: int = Alert.HANDSHAKE_FAILURE) -> bytes:
    """A fatal alert."""
    return record(21, bytes([2, alert]))


def flight(
    version: int, suite: int, certificate: bytes, *, exchange: bytes = b"", compression: int = 0
) -> bytes:
    """The first flight of a server below TLS 1.3, with secure renegotiation."""
    extensions = b"" if version < Version.TLS10 else vector(bytes.fromhex("ff01000100"), 2)
    hello = number(version, 2) + _RANDOM + b"\0" + numbers((suite,), 2) + bytes([compression])
    told = message(2, hello + extensions)
    told += message(11, vector(vector(certificate, 3), 3))
    told += message(12, exchange) if exchange else b""
    return record(22, told + message(14, b""), version)


def retry(offered: Offered, suite: int, group: int) -> bytes:
    """A HelloRetryRequest of TLS 1.3 that wants a share of a group."""
    parts = ((Extension.SUPPORTED_VERSIONS, Version.TLS13), (Extension.KEY_SHARE, group))
    extensions = b"".join(number(kind, 2) + vector(number(value, 2), 2) for kind, value in parts)
    hello = number(Version.TLS12, 2) + _RETRY + vector(offered.session, 1) + number(suite, 2)
    return record(22, message(2, hello + b"\0" + vector(extensions, 2)), Version.TLS12)


def greeting_ssl2(certificate: bytes, ciphers: tuple[int, ...] = (0x010080, 0x0700C0)) -> bytes:
    """An SSL 2 SERVER-HELLO."""
    listed = numbers(ciphers, 3)
    body = b"\x04\0\x01" + number(Version.SSL2, 2)
    body += numbers((len(certificate), len(listed), 16), 2) + certificate + listed + bytes(16)
    return number(0x8000 | len(body), 2) + body


class _Talk(socketserver.BaseRequestHandler):
    """Answers the first flight and hangs up."""

    server: Peer

    def handle(self) -> None:
        said = b""
        while (offered := read(said)) is None:
            if not (data := self.request.recv(65536)):
                return
            said += data
        self.request.sendall(self.server.rule(offered))


class Peer(socketserver.ThreadingTCPServer):
    """Listens on a free port of loopback and answers every hello by a rule."""

    daemon_threads = True

    def __init__(self, rule: Rule) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.rule = rule

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is none of its business."""

    def running(self) -> Iterator[int]:
        """Serve until the generator is closed."""
        with self:
            threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
            try:
                yield self.port
            finally:
                self.shutdown()
