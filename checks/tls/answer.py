"""Read what a server answers to a ClientHello: hello, certificate, key exchange or alert. Sans I/O.

The bytes may come in any pieces and from anybody; nothing but WireError is raised, and no more is
taken in than `LIMIT` bytes.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from checks.printable import printable
from checks.tls.numbers import Alert, Extension, Version
from checks.tls.wire import Reader, WireError, take_message, take_record

NOT_TLS: Final = "server: does not speak TLS"
"""What is said of an answer that is of another protocol."""
LIMIT: Final = 256 * 1024
"""More than this before the end of a server's first flight is nothing an honest server sends."""
_RECORD: Final = 16_384 + 2_048
_ALERT, _HANDSHAKE, _CHANGE = 21, 22, 20
_SERVER_HELLO, _CERTIFICATE, _KEY_EXCHANGE, _HELLO_DONE, _STATUS = 2, 11, 12, 14, 22
_HELLO_REQUEST: Final = 0
_RETRY: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""RFC 8446 4.1.3: the random of a HelloRetryRequest."""
_NAMED_CURVE: Final = 3
_OCSP: Final = 1
_SSL2_ERROR, _SSL2_SERVER_HELLO = 0, 4
_WARNING: Final = 1
_LONGEST_PRIME: Final = 16_384 // 8
"""Bytes; OpenSSL takes no prime of more than 10000 bits, and the time to judge one grows fast."""


class ServerHello(NamedTuple):
    """What a server chose.

    version: a number where it is none that is known; extensions: data by number.
    """

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
        """The group of the key share, or that a retry asks for; 0 where there is none."""
        share = self.extensions.get(Extension.KEY_SHARE, b"")
        return int.from_bytes(share[:2], "big")

    @property
    def share(self) -> bytes:
        """The server's public value; raises WireError where it is cut off."""
        reader = Reader(self.extensions.get(Extension.KEY_SHARE, b""))
        reader.take(2)
        return reader.vector(2)

    @property
    def alpn(self) -> str:
        """The application protocol it chose, "" for none; safe to show."""
        return read_alpn(self.extensions)


class KeyExchange(NamedTuple):
    """What an ephemeral key agreement shows before TLS 1.3; of DHE prime and generator."""

    group: int = 0
    prime: int = 0
    generator: int = 0


class Answer:
    """Collects a server's first flight, or the one message of it that is not encrypted.

    certificates: DER, leaf first; alert: the description of a fatal one; done: nothing more is due.
    """

    def __init__(self, *, only_hello: bool = False) -> None:
        """Begin with nothing; only_hello: nothing but the hello is due, of whatever version."""
        self._only_hello = only_hello
        self.hello: ServerHello | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.exchange: KeyExchange | None = None
        self.staple = b""
        self.alert: int | None = None
        self.ssl2_ciphers: tuple[int, ...] | None = None
        self.done = False
        self._records = bytearray()
        self._messages = bytearray()
        self._met: set[int] = set()
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes, and give back those that belong to the next flight.

        Raises WireError for what is no TLS, and for the first byte after `LIMIT` of them.
        """
        if self.done:
            return data
        room = max(0, LIMIT - self._size)
        self._size += len(data)
        self._records += data[:room]
        if self._is_whole():
            rest = bytes(self._records) + data[room:]
            self._records.clear()
            return rest
        if self._size > LIMIT:
            raise WireError("server: sends more than a handshake holds")
        return b""

    def _is_whole(self) -> bool:
        while not self.done and self._record():
            pass
        return self.done

    def _record(self) -> bool:
        """Take one whole record; False until there is one."""
        if not self._records:
            return False
        kind, major = self._records[0], bytes(self._records[1:2])
        if kind & 0x80 and self.hello is None and not self._messages:
            return self._ssl2()
        if kind not in {_ALERT, _HANDSHAKE, _CHANGE} or major not in {b"", b"\x03"}:
            raise WireError(NOT_TLS)
        record = take_record(self._records, _RECORD)
        if record is None:
            return False
        if kind == _ALERT:
            self._alerted(record[1])
        elif kind == _HANDSHAKE:
            self._messages += record[1]
            while not self.done and (raw := take_message(self._messages, LIMIT)):
                self._understand(raw[0], raw)
        return True

    def _alerted(self, body: bytes) -> None:
        level, description = Reader(body).take(2)
        # A warning such as unrecognized_name goes on.
        if level != _WARNING or description == Alert.CLOSE_NOTIFY:
            self.alert, self.done = description, True

    def _understand(self, kind: int, raw: bytes) -> None:
        if kind == _HELLO_REQUEST:  # RFC 5246 7.4.1.1: to be ignored amid a handshake
            return
        if kind in self._met:
            raise WireError("server: sends a message twice")
        self._met.add(kind)
        if self.hello is None and kind != _SERVER_HELLO:
            raise WireError("server: begins with another message than its hello")
        reader = Reader(raw[4:])
        if kind == _SERVER_HELLO:
            self._greeted(raw)
        elif kind == _CERTIFICATE:
            self.certificates = read_certificates(reader.vector(3))
        elif kind == _STATUS:
            self.staple = read_staple(reader)
        elif kind == _KEY_EXCHANGE and self.hello is not None:
            self.exchange = read_exchange(reader, self.hello)
        elif kind == _HELLO_DONE:
            self.done = True

    def _greeted(self, raw: bytes) -> None:
        self.hello = read_hello(raw)
        encrypted = self.hello.version == Version.TLS13
        self.done = encrypted or self._only_hello
        if encrypted and self._messages:  # RFC 8446 5.1: no message goes across a change of keys
            raise WireError("server: sends in clear what must be encrypted")

    def _ssl2(self) -> bool:
        """Take an SSL 2 SERVER-HELLO: its header has the length in 15 bits."""
        if len(self._records) > 2 and self._records[2] not in {_SSL2_ERROR, _SSL2_SERVER_HELLO}:
            raise WireError(NOT_TLS)
        size = int.from_bytes(self._records[:2], "big") & 0x7FFF
        if len(self._records) < max(3, 2 + size):
            return False
        reader = Reader(bytes(self._records[2 : 2 + size]))
        del self._records[: 2 + size]
        if reader.number(1) == _SSL2_ERROR:
            self.alert = Alert.HANDSHAKE_FAILURE
        else:
            self._ssl2_greeted(reader)
        self.done = True
        return True

    def _ssl2_greeted(self, reader: Reader) -> None:
        reader.take(2)  # session id hit, certificate type
        if reader.number(2) != Version.SSL2:
            raise WireError("server: answers SSL 2 with another version")
        certificate, ciphers, _ = (reader.number(2) for _ in range(3))
        leaf = reader.take(certificate)
        self.ssl2_ciphers = Reader(reader.take(ciphers)).numbers(3)
        self.certificates = (leaf,) if leaf else ()


def read_hello(raw: bytes) -> ServerHello:
    """Read the handshake message of a ServerHello or HelloRetryRequest."""
    reader = Reader(raw[4:])
    version, random = reader.number(2), reader.take(32)
    session, suite, compression = reader.vector(1), reader.number(2), reader.number(1)
    extensions = read_extensions(reader.vector(2)) if len(reader) else {}
    if Extension.SUPPORTED_VERSIONS in extensions:
        chosen = Reader(extensions[Extension.SUPPORTED_VERSIONS])
        version = chosen.number(2)
        chosen.end()
    read_alpn(extensions)  # so that the hello's property raises nothing
    known = Version(version) if version in set(Version) else version
    return ServerHello(
        known, suite, compression, extensions, random, session, random == _RETRY, raw
    )


def read_extensions(data: bytes) -> dict[int, bytes]:
    """Read a list of extensions: data by number; raises WireError for one that comes twice."""
    reader = Reader(data)
    found: dict[int, bytes] = {}
    while len(reader):
        kind = reader.number(2)
        if kind in found:
            raise WireError("server: sends an extension twice")
        found[kind] = reader.vector(2)
    return found


def read_alpn(extensions: dict[int, bytes]) -> str:
    """Read the one protocol that a server chose (RFC 7301 3.1), safe to show; "" for none."""
    if Extension.ALPN not in extensions:
        return ""
    names = Reader(Reader(extensions[Extension.ALPN]).vector(2))
    name = names.vector(1)
    names.end()
    return printable(name.decode("utf-8", "backslashreplace"))


def read_staple(reader: Reader) -> bytes:
    """Read a CertificateStatus (RFC 6066 8): an OCSP answer, b"" for one of another kind."""
    return reader.vector(3) if reader.number(1) == _OCSP else b""


def read_certificates(data: bytes) -> tuple[bytes, ...]:
    """Read the certificates of a chain as TLS 1.2 lists them, leaf first, DER."""
    reader = Reader(data)
    found = []
    while len(reader):
        found.append(certificate(reader))
    return tuple(found)


def certificate(reader: Reader) -> bytes:
    """Take one certificate of a list; raises WireError for an empty one."""
    found = reader.vector(3)
    if not found:
        raise WireError("server: sends an empty certificate")
    return found


def read_exchange(reader: Reader, hello: ServerHello) -> KeyExchange | None:
    """Read a ServerKeyExchange (RFC 5246 7.4.3, RFC 8422 5.4); None for other agreements."""
    from checks.tls import suites

    suite = suites.of(hello.suite)
    if "PSK" in suite.name:
        reader.vector(2)  # RFC 4279: a hint comes first
    if suite.exchange == "ECDHE" or suite.name.startswith("TLS_ECDH_anon"):
        return _curve(reader)
    if suite.exchange == "DHE" or suite.name.startswith("TLS_DH_anon"):
        return _prime(reader)
    return None


def _prime(reader: Reader) -> KeyExchange:
    prime, generator, public = (reader.vector(2) for _ in range(3))
    if max(len(prime), len(generator), len(public)) > _LONGEST_PRIME:
        raise WireError("server: its prime is longer than any that is in use")
    return KeyExchange(
        prime=int.from_bytes(prime, "big"), generator=int.from_bytes(generator, "big")
    )


def _curve(reader: Reader) -> KeyExchange:
    if reader.number(1) != _NAMED_CURVE:
        return KeyExchange()
    group = reader.number(2)
    reader.vector(1)
    return KeyExchange(group=group)
