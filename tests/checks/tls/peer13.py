"""A server of TLS 1.3 that says what a test wants it to say, in the right keys.

It speaks the wire format and nothing else: no socket, no clock. Its keys come from the schedule
that the tests with OpenSSL prove.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mlkem

from checks.tls import agreement, secrets13
from checks.tls.answer import read_extensions
from checks.tls.numbers import Extension
from checks.tls.wire import Reader, number, take_record, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checks.tls.secrets13 import Direction, Schedule

ALERT, HANDSHAKE, DATA, CHANGE = 21, 22, 23, 20
CHANGED = b"\x14\x03\x03\x00\x01\x01"
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def record(kind: int, body: bytes) -> bytes:
    """Write a record in clear."""
    return number(kind, 1) + b"\x03\x03" + vector(body, 2)


def message(kind: int, body: bytes) -> bytes:
    """Write a handshake message."""
    return number(kind, 1) + vector(body, 3)


def extension(kind: int, data: bytes) -> bytes:
    """Write an extension."""
    return number(kind, 2) + vector(data, 2)


def extensions(*pairs: tuple[int, bytes]) -> bytes:
    """Write a list of extensions."""
    return vector(b"".join(extension(*pair) for pair in pairs), 2)


def certificates(*entries: bytes, staple: bytes = b"") -> bytes:
    """Write a Certificate with a chain of DER."""
    status = (Extension.STATUS_REQUEST, b"\x01" + vector(staple, 3))
    listed = b""
    for at, entry in enumerate(entries):
        listed += vector(entry, 3) + (extensions(status) if staple and not at else b"\0\0")
    return message(11, b"\0" + vector(listed, 3))


def ticket(*pairs: tuple[int, bytes]) -> bytes:
    """Write a NewSessionTicket."""
    return message(4, bytes(8) + vector(b"n", 1) + vector(b"ticket", 2) + extensions(*pairs))


ENCRYPTED_EXTENSIONS = message(8, extensions())
REQUEST = message(13, b"\0" + extensions((Extension.SIGNATURE_ALGORITHMS, b"\0\2\4\3")))
ASKED_UPDATE, UPDATE = message(24, b"\1"), message(24, b"\0")


JOINED = {513: (768, 0), 514: (1024, 0), 0x11EC: (768, 29), 0x11EB: (768, 23), 0x11ED: (1024, 24)}
"""Groups with ML-KEM: its size and the curve that stands beside it, 0 for none."""


def respond(group: int, theirs: bytes) -> tuple[bytes, bytes]:
    """Do the server's half of a key agreement: give our public value and the secret."""
    if group not in JOINED:
        ours = agreement.share(group)
        return ours.public, ours.secret(theirs)
    size, curve = JOINED[group]
    length = 1184 if size == 768 else 1568
    kind = mlkem.MLKEM768PublicKey if size == 768 else mlkem.MLKEM1024PublicKey
    kem_first = group in {0x11EC, 513, 514}
    public = theirs[:length] if kem_first else theirs[-length:]
    secret, sealed = kind.from_public_bytes(public).encapsulate()
    if not curve:
        return sealed, secret
    beside = respond(curve, theirs[length:] if kem_first else theirs[:-length])
    if kem_first:
        return sealed + beside[0], secret + beside[1]
    return beside[0] + sealed, beside[1] + secret


class Peer:
    """Our end of one connection. key: signs; chain: what it shows, DER, leaf first."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *chain: bytes, suite: int = 0x1301) -> None:
        self.key = key
        self.chain = chain
        self.suite = suite
        self.schedule: Schedule = secrets13.Schedule(suite)
        self.transcript = b""
        self.shares: dict[int, bytes] = {}
        self.session = b""
        self.received = bytearray()
        self.writing: Direction | None = None
        self.reading: Direction | None = None
        self.after: tuple[Direction, Direction] | None = None

    def hear(self, flight: bytes) -> None:
        """Take a ClientHello."""
        raw = flight[5:]
        self.transcript += raw
        reader = Reader(raw[4:])
        reader.take(34)
        self.session = reader.vector(1)
        reader.vector(2)
        reader.vector(1)
        listed = Reader(Reader(read_extensions(reader.vector(2))[Extension.KEY_SHARE]).vector(2))
        self.shares = {}
        while len(listed):
            group = listed.number(2)
            self.shares[group] = listed.vector(2)

    def retry(self, group: int = 0, cookie: bytes | None = None, *, suite: int = 0) -> bytes:
        """Give a HelloRetryRequest."""
        pairs = [(int(Extension.SUPPORTED_VERSIONS), b"\x03\x04")]
        if group:
            pairs.append((Extension.KEY_SHARE, number(group, 2)))
        if cookie is not None:
            pairs.append((Extension.COOKIE, vector(cookie, 2)))
        raw = self._hello(RETRY, suite or self.suite, pairs)
        digest = self.schedule.hash(self.transcript)
        self.transcript = b"\xfe\x00\x00" + vector(digest, 1) + raw
        return record(HANDSHAKE, raw)

    def hello(
        self,
        group: int = 29,
        *more: tuple[int, bytes],
        suite: int = 0,
        share: bytes | None = None,
        version: bytes = b"\x03\x04",
    ) -> bytes:
        """Give a ServerHello and change to the handshake's keys."""
        secret = b""
        if share is None:
            share, secret = respond(group, self.shares[group])
        pairs = (
            (int(Extension.SUPPORTED_VERSIONS), version),
            (int(Extension.KEY_SHARE), number(group, 2) + vector(share, 2)),
            *more,
        )
        raw = self._hello(bytes(range(32)), suite or self.suite, pairs)
        self.transcript += raw
        if secret:
            self.reading, self.writing = self.schedule.handshake(secret, self.transcript)
        return record(HANDSHAKE, raw)

    def _hello(
        self,
        random: bytes,
        suite: int,
        pairs: Sequence[tuple[int, bytes]],
    ) -> bytes:
        body = b"\x03\x03" + random + vector(self.session, 1) + number(suite, 2) + b"\0"
        return message(2, body + extensions(*pairs))

    def seal(self, kind: int, content: bytes) -> bytes:
        """Give an encrypted record as it is asked for."""
        assert self.writing is not None
        return self.writing.seal(kind, content)

    def say(self, *messages: bytes) -> bytes:
        """Give messages of the handshake in one record."""
        self.transcript += b"".join(messages)
        return self.seal(HANDSHAKE, b"".join(messages))

    def verify(self, *, scheme: int = 0x0403, upon: bytes = b"") -> bytes:
        """Write the CertificateVerify over the transcript and what is said before it."""
        signed = b" " * 64 + b"TLS 1.3, server CertificateVerify\0"
        signed += self.schedule.hash(self.transcript + upon)
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return message(15, number(scheme, 2) + vector(signature, 2))

    def finished(self, upon: bytes = b"") -> bytes:
        """Write the Finished over the transcript and what is said before it."""
        assert self.writing is not None
        return message(20, self.schedule.finished(self.writing, self.transcript + upon))

    def flight(self, *, before: bytes = ENCRYPTED_EXTENSIONS, staple: bytes = b"") -> bytes:
        """Give everything from the EncryptedExtensions to the Finished, and change the keys."""
        shown = before + certificates(*self.chain, staple=staple)
        shown += self.verify(upon=shown)
        said = self.say(shown + self.finished(shown))
        self.switch()
        return said

    def switch(self) -> None:
        """Change to writing with the application's keys; what is read has the handshake's still."""
        self.after = self.schedule.application(self.transcript)
        self.writing = self.after[1]

    def take(self, data: bytes) -> list[tuple[int, bytes]]:
        """Open what the client sent: content types and contents."""
        self.received += data
        opened = []
        while cut := take_record(self.received, 1 << 16):
            if cut[0][0] == CHANGE:
                continue
            assert self.reading is not None
            opened.append(self.reading.open(*cut))
            if self.after is not None and opened[-1][0] == HANDSHAKE:
                self.reading, self.after = self.after[0], None
        return opened
