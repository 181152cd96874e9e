"""A server of TLS 1.0 to 1.2 that says what a test wants it to say, in the right keys.

It speaks the wire format and nothing else: no socket, no clock. Its keys come from the secrets that
the tests with OpenSSL and GnuTLS prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from checks.tls import agreement, suites
from checks.tls.answer import read_extensions
from checks.tls.numbers import Extension, Version
from checks.tls.records12 import Protection
from checks.tls.secrets12 import Secrets
from checks.tls.wire import Reader, number, take_message, take_record, vector

if TYPE_CHECKING:
    from checks.tls.records12 import Direction

CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
DONE = b"\x0e\x00\x00\x00"
REQUEST = b"\x0d\x00\x00\x0a\x01\x40\x00\x04\x04\x03\x04\x01\x00\x00"
HELLO_REQUEST = bytes(4)
NO_RENEGOTIATION = b"\x01\x64"
RANDOM = bytes(range(32))


def message(kind: int, body: bytes) -> bytes:
    """Write a handshake message."""
    return number(kind, 1) + vector(body, 3)


def extensions(*pairs: tuple[int, bytes]) -> bytes:
    """Write a list of extensions."""
    return vector(b"".join(number(kind, 2) + vector(data, 2) for kind, data in pairs), 2)


def certificates(*chain: bytes) -> bytes:
    """Write a Certificate with a chain of DER."""
    return message(11, vector(b"".join(vector(one, 3) for one in chain), 3))


def status(staple: bytes) -> bytes:
    """Write a CertificateStatus."""
    return message(22, b"\x01" + vector(staple, 3))


def ticket(opaque: bytes) -> bytes:
    """Write a NewSessionTicket."""
    return message(4, bytes(4) + vector(opaque, 2))


class Peer:
    """Our end of one connection. key: signs; chain: what it shows, DER, leaf first."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *chain: bytes, suite: int = 0xC02B) -> None:
        self.key, self.chain = key, chain
        self.agreed = Protection(Version.TLS12, suites.of(suite))
        self.group = 29
        self.share = agreement.share(29)
        self.asked: dict[int, bytes] = {}
        self.suites: tuple[int, ...] = ()
        self.random = b""
        self.extended = False
        self.ours = self.theirs = b""
        self.transcript = b""
        self.received, self.messages = bytearray(), bytearray()
        self.secrets: Secrets | None = None
        self.writing: Direction | None = None
        self.reading: Direction | None = None
        self.next: Direction | None = None

    def seal(self, kind: int, content: bytes) -> bytes:
        """Write a record, encrypted once keys are agreed on."""
        if self.writing is not None:
            return self.writing.seal(kind, content)
        return number(kind, 1) + b"\x03\x03" + vector(content, 2)

    def say(self, *messages: bytes) -> bytes:
        """Give messages of the handshake in one record."""
        self.transcript += b"".join(messages)
        return self.seal(HANDSHAKE, b"".join(messages))

    def take(self, data: bytes) -> list[tuple[int, bytes]]:
        """Open what the client sent: content types and contents; its messages are understood."""
        self.received += data
        opened = []
        while cut := take_record(self.received, 1 << 16):
            kind, body = cut[0][0], cut[1]
            if self.reading is not None:
                body = self.reading.open(kind, body)
            opened.append((kind, body))
            if kind == CHANGE:
                self.reading = self.next
            elif kind == HANDSHAKE:
                self.messages += body
                while raw := take_message(self.messages, 1 << 16):
                    self._understand(raw)
        return opened

    def _understand(self, raw: bytes) -> None:
        if raw[0] == 1:
            self.transcript = b""
            self._hear(Reader(raw[4:]))
        self.transcript += raw
        if raw[0] == 16:
            premaster = self.share.secret(Reader(raw[4:]).vector(1))
            seen = self.transcript if self.extended else b""
            self.secrets = Secrets(self.agreed, premaster, (self.random, RANDOM), seen)
            self.next, self._writing = self.secrets.directions(bytes)
        if raw[0] == 20:
            self.theirs = raw[4:]

    def _hear(self, reader: Reader) -> None:
        reader.take(2)
        self.random = reader.take(32)
        reader.vector(1)
        self.suites = Reader(reader.vector(2)).numbers(2)
        reader.vector(1)
        self.asked = read_extensions(reader.vector(2)) if len(reader) else {}

    def hello(
        self, *more: tuple[int, bytes], bound: bytes | None = b"", version: bytes = b"\x03\x03"
    ) -> bytes:
        """Write a ServerHello. bound: what renegotiation_info says, None for none."""
        pairs = list(more)
        if bound is not None:
            pairs.append((Extension.RENEGOTIATION_INFO, vector(bound, 1)))
        self.extended = Extension.EXTENDED_MASTER_SECRET in dict(pairs)
        code = number(self.agreed.suite.code, 2)
        return message(2, version + RANDOM + b"\0" + code + b"\0" + extensions(*pairs))

    def exchange(self, *, scheme: int = 0x0403, random: bytes | None = None) -> bytes:
        """Write a ServerKeyExchange, signed over the client's random or over another."""
        said = b"\x03" + number(self.group, 2) + vector(self.share.public, 1)
        signed = (self.random if random is None else random) + RANDOM + said
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return message(12, said + number(scheme, 2) + vector(signature, 2))

    def flight(self, *more: tuple[int, bytes], bound: bytes | None = b"") -> bytes:
        """Give everything up to the ServerHelloDone."""
        shown = certificates(*self.chain)
        return self.say(self.hello(*more, bound=bound), shown, self.exchange(), DONE)

    def finish(self, *before: bytes) -> bytes:
        """Give messages, the change of keys and the Finished."""
        said = self.say(*before) if before else b""
        said += self.seal(CHANGE, b"\x01")
        self.writing = self._writing
        return said + self.say(self.finished())

    def finished(self) -> bytes:
        """Write the Finished over what was said so far."""
        assert self.secrets is not None
        self.ours = self.secrets.finished(b"server finished", self.transcript)
        return message(20, self.ours)
