"""Read what a server answers to a ClientHello: hello, certificate, key exchange or alert. Sans I/O.

The bytes may come in any pieces and from anybody; nothing but WireError is raised, and no more is
kept than `LIMIT` bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from checks.tls.numbers import Extension, Version
from checks.tls.wire import Reader, WireError

LIMIT: Final = 256 * 1024
"""More than this before the end of a server's first flight is nothing an honest server sends."""
_RECORD: Final = 16_384 + 2_048
_ALERT, _HANDSHAKE, _CHANGE = 21, 22, 20
_SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _HELLO_DONE, _STATUS = 2, 11, 12, 14, 22
_HELLO_REQUEST: Final = 0
_HEADER: Final = 5
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""RFC 8446 4.1.3: the random of a HelloRetryRequest."""
_DOWNGRADE: Final = b"DOWNGRD"
"""RFC 8446 4.1.3: a 1.3 server marks a downgrade in the last 8 bytes of its random."""
_NAMED_CURVE: Final = 3
_SSL2_SERVER_HELLO: Final = 4


class ServerHello(NamedTuple):
    """What a server chose. group: of its key share or of a retry, 0 where it named none."""

    version: Version | int
    suite: int
    compression: int
    extensions: dict[int, bytes]
    random: bytes
    session: bytes
    retry: bool
    raw: bytes
    """The handshake message, for a transcript."""

    @property
    def group(self) -> int:
        """The group of the key share, 0 where there is none."""
        share = self.extensions.get(Extension.KEY_SHARE, b"")
        return int.from_bytes(share[:2], "big")

    @property
    def share(self) -> bytes:
        """The server's public value; raises WireError where it is cut off."""
        reader = Reader(self.extensions.get(Extension.KEY_SHARE, b""))
        reader.take(2)
        return reader.vector(2)

    @property
    def is_downgraded(self) -> bool:
        """The server speaks a higher version than it was asked for."""
        return self.random[-8:-1] == _DOWNGRADE

    @property
    def alpn(self) -> str:
        """The application protocol it chose, "" for none."""
        return self.extensions.get(Extension.ALPN, b"")[3:].decode("ascii", "replace")


class KeyExchange(NamedTuple):
    """What an ephemeral key agreement shows before TLS 1.3; of DHE prime and generator."""

    group: int = 0
    prime: int = 0
    generator: int = 0
    scheme: int = 0
    """The pair of hash and signature, in TLS 1.2."""


class Answer:
    """Collects a server's first flight.

    alert: the description of an alert; plain: the first bytes of something that is no TLS.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.hello: ServerHello | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.exchange: KeyExchange | None = None
        self.staple = b""
        self.alert: int | None = None
        self.ssl2_ciphers: tuple[int, ...] | None = None
        self.done = False
        self._records = bytearray()
        self._messages = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes; raises WireError for what is no TLS or too much.

        After `done` what is given back belongs to the next flight.
        """
        self._size += len(data)
        if self._size > LIMIT:
            raise WireError("server: sends more than a handshake holds")
        self._records += data
        while not self.done and self._record():
            pass
        return bytes(self._records) if self.done else b""

    def _record(self) -> bool:
        """Take one whole record; False until there is one."""
        if not self._records:
            return False
        kind = self._records[0]
        if kind & 0x80 and self.hello is None and not self._messages:
            return self._ssl2()
        if kind not in {_ALERT, _HANDSHAKE, _CHANGE} or bytes(self._records[1:2]) not in {
            b"",
            b"\x03",
        }:
            raise WireError("server: does not speak TLS")
        if len(self._records) < _HEADER:
            return False
        size = int.from_bytes(self._records[3:_HEADER], "big")
        if size > _RECORD:
            raise WireError("record: longer than any may be")
        if len(self._records) < _HEADER + size:
            return False
        body = bytes(self._records[_HEADER : _HEADER + size])
        del self._records[: _HEADER + size]
        if kind == _ALERT:
            self._alerted(body)
        elif kind == _HANDSHAKE:
            self._messages += body
            while not self.done and self._message():
                pass
        return True

    def _alerted(self, body: bytes) -> None:
        level, description = Reader(body).take(2)
        fatal = level != 1 or description == 0  # a warning such as unrecognized_name goes on
        if fatal:
            self.alert, self.done = description, True

    def _message(self) -> bool:
        if len(self._messages) < 4:
            return False
        size = int.from_bytes(self._messages[1:4], "big")
        if size > LIMIT:
            raise WireError("message: longer than a handshake holds")
        if len(self._messages) < 4 + size:
            return False
        raw = bytes(self._messages[: 4 + size])
        del self._messages[: 4 + size]
        self._understand(raw[0], raw)
        return True

    def _understand(self, kind: int, raw: bytes) -> None:
        reader = Reader(raw[4:])
        if self.hello is None and kind not in {_SERVER_HELLO, _HELLO_REQUEST}:
            raise WireError("server: begins with another message than its hello")
        if kind == _SERVER_HELLO:
            self.hello = read_hello(raw)
            self.done = self.hello.version == Version.TLS13
        elif kind == _CERTIFICATE:
            self.certificates = read_certificates(reader.vector(3))
        elif kind == _STATUS:
            reader.take(1)
            self.staple = reader.vector(3)
        elif kind == _KEY_EXCHANGE and self.hello is not None:
            self.exchange = read_exchange(reader, self.hello)
        elif kind == _HELLO_DONE:
            self.done = True

    def _ssl2(self) -> bool:
        """Take an SSL 2 SERVER-HELLO: its header has the length in 15 bits."""
        if len(self._records) < 2:
            return False
        size = int.from_bytes(self._records[:2], "big") & 0x7FFF
        if len(self._records) > 2 and self._records[2] not in {0, _SSL2_SERVER_HELLO}:
            raise WireError("server: does not speak TLS")
        if len(self._records) < 2 + size:
            return False
        reader = Reader(bytes(self._records[2 : 2 + size]))
        del self._records[: 2 + size]
        self.done = True
        if reader.number(1) != _SSL2_SERVER_HELLO:
            self.alert = 40  # an ERROR message
            return True
        reader.take(2)  # session id hit, certificate type
        if reader.number(2) != Version.SSL2:
            raise WireError("server: answers SSL 2 with another version")
        certificate, ciphers, _ = (reader.number(2) for _ in range(3))
        self.certificates = (reader.take(certificate),)
        self.ssl2_ciphers = Reader(reader.take(ciphers)).numbers(3)
        return True


def read_hello(raw: bytes) -> ServerHello:
    """Read the handshake message of a ServerHello or HelloRetryRequest."""
    reader = Reader(raw[4:])
    version, random = reader.number(2), reader.take(32)
    session, suite, compression = reader.vector(1), reader.number(2), reader.number(1)
    extensions = read_extensions(reader.vector(2)) if len(reader) else {}
    version = int.from_bytes(extensions.get(Extension.SUPPORTED_VERSIONS, b""), "big") or version
    known = Version(version) if version in set(Version) else version
    return ServerHello(
        known, suite, compression, extensions, random, session, random == _RETRY, raw
    )


def read_extensions(data: bytes) -> dict[int, bytes]:
    """Read a list of extensions: data by number."""
    reader = Reader(data)
    found = {}
    while len(reader):
        kind = reader.number(2)
        found[kind] = reader.vector(2)
    return found


def read_certificates(data: bytes) -> tuple[bytes, ...]:
    """Read the certificates of a chain as TLS 1.2 lists them, leaf first, DER."""
    reader = Reader(data)
    found = []
    while len(reader):
        found.append(reader.vector(3))
    return tuple(found)


def read_exchange(reader: Reader, hello: ServerHello) -> KeyExchange | None:
    """Read a ServerKeyExchange (RFC 5246 7.4.3, RFC 8422 5.4); None for other agreements."""
    from checks.tls import suites

    suite = suites.of(hello.suite)
    if "PSK" in suite.name:
        reader.vector(2)  # RFC 4279: a hint comes first
    if suite.exchange == "ECDHE" or suite.name.startswith("TLS_ECDH_anon"):
        return _curve(reader, hello)
    if suite.exchange == "DHE" or suite.name.startswith("TLS_DH_anon"):
        prime, generator, _ = (reader.vector(2) for _ in range(3))
        return KeyExchange(
            prime=int.from_bytes(prime, "big"),
            generator=int.from_bytes(generator, "big"),
            scheme=_scheme(reader, hello),
        )
    return None


def _curve(reader: Reader, hello: ServerHello) -> KeyExchange:
    if reader.number(1) != _NAMED_CURVE:
        return KeyExchange()
    group = reader.number(2)
    reader.vector(1)
    return KeyExchange(group=group, scheme=_scheme(reader, hello))


def _scheme(reader: Reader, hello: ServerHello) -> int:
    signed = hello.version == Version.TLS12 and len(reader) > 1
    return reader.number(2) if signed else 0
