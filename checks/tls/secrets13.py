"""The keys of TLS 1.3 on the client's side: from a shared secret to both directions' records.

RFC 8446 section 7 (key schedule) and 5.2 (record protection). Sans I/O.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from checks.tls.wire import WireError, number, vector

if TYPE_CHECKING:
    from collections.abc import Callable

    Aead = AESCCM | AESGCM | ChaCha20Poly1305

_IV: Final = 12


def _short_tag(key: bytes) -> AESCCM:
    return AESCCM(key, tag_length=8)


class _Protection(NamedTuple):
    """What a suite protects records with."""

    digest: str
    key: int
    aead: Callable[[bytes], Aead]


_SUITES: Final[dict[int, _Protection]] = {
    0x1301: _Protection("sha256", 16, AESGCM),
    0x1302: _Protection("sha384", 32, AESGCM),
    0x1303: _Protection("sha256", 32, ChaCha20Poly1305),
    0x1304: _Protection("sha256", 16, AESCCM),
    0x1305: _Protection("sha256", 16, _short_tag),
}
SUITES: Final = tuple(_SUITES)
"""The suites whose records can be read here."""


class Direction:
    """Protects, or opens, the records of one direction under one traffic secret."""

    def __init__(self, suite: int, secret: bytes) -> None:
        """Take a suite of `SUITES` and a traffic secret."""
        protection = _SUITES[suite]
        self._suite, self._secret, self._digest = suite, secret, protection.digest
        self.finished_key = _expand(secret, "finished", b"", protection.digest)
        self._tag = 8 if protection.aead is _short_tag else 16
        self._aead = protection.aead(_expand(secret, "key", b"", protection.digest, protection.key))
        self._iv = int.from_bytes(_expand(secret, "iv", b"", protection.digest, _IV), "big")
        self._count = 0

    def _nonce(self) -> bytes:
        self._count += 1
        return (self._iv ^ (self._count - 1)).to_bytes(_IV, "big")

    def updated(self) -> Direction:
        """Give what follows after a KeyUpdate (RFC 8446 7.2)."""
        return Direction(self._suite, _expand(self._secret, "traffic upd", b"", self._digest))

    def open(self, header: bytes, body: bytes) -> tuple[int, bytes]:
        """Give content type and content of a record; raises WireError for a forged one."""
        try:
            inner = self._aead.decrypt(self._nonce(), body, header).rstrip(b"\0")
        except (InvalidTag, ValueError) as error:
            raise WireError("record: does not open with the agreed key") from error
        if not inner:
            raise WireError("record: holds nothing")
        return inner[-1], inner[:-1]

    def seal(self, kind: int, content: bytes) -> bytes:
        """Give a whole record with CONTENT of a content type."""
        header = b"\x17\x03\x03" + number(len(content) + 1 + self._tag, 2)
        return header + self._aead.encrypt(self._nonce(), content + bytes([kind]), header)


class Schedule:
    """Goes from the shared secret to the traffic keys as the transcript grows."""

    def __init__(self, suite: int) -> None:
        """Begin for a suite of `SUITES`; raises WireError for any other."""
        if suite not in _SUITES:
            raise WireError("server: chose a suite whose records cannot be read here")
        self._suite = suite
        self._digest = _SUITES[suite].digest
        self._size = hashlib.new(self._digest).digest_size
        zero = bytes(self._size)
        self._secret = hmac.digest(zero, zero, self._digest)

    def hash(self, transcript: bytes) -> bytes:
        """Give the suite's digest of the handshake messages so far."""
        return hashlib.new(self._digest, transcript).digest()

    def handshake(self, shared: bytes, transcript: bytes) -> tuple[Direction, Direction]:
        """Give client's and server's handshake keys; TRANSCRIPT ends with the ServerHello."""
        self._advance(shared)
        return self._directions("hs", transcript)

    def application(self, transcript: bytes) -> tuple[Direction, Direction]:
        """Give client's and server's keys; TRANSCRIPT ends with the server's Finished."""
        self._advance(bytes(self._size))
        return self._directions("ap", transcript)

    def finished(self, direction: Direction, transcript: bytes) -> bytes:
        """Give the verify_data of a Finished over the messages so far."""
        return hmac.digest(direction.finished_key, self.hash(transcript), self._digest)

    def _advance(self, material: bytes) -> None:
        derived = _expand(self._secret, "derived", self.hash(b""), self._digest)
        self._secret = hmac.digest(derived, material, self._digest)

    def _directions(self, stage: str, transcript: bytes) -> tuple[Direction, Direction]:
        seen = self.hash(transcript)
        client, server = (
            Direction(
                self._suite, _expand(self._secret, f"{who} {stage} traffic", seen, self._digest)
            )
            for who in ("c", "s")
        )
        return client, server


def _expand(secret: bytes, label: str, context: bytes, digest: str, size: int = 0) -> bytes:
    """HKDF-Expand-Label of RFC 8446 7.1; size: 0 for the digest's own."""
    algorithm = hashes.SHA384() if digest == "sha384" else hashes.SHA256()
    size = size or algorithm.digest_size
    info = number(size, 2) + vector(b"tls13 " + label.encode("ascii"), 1) + vector(context, 1)
    return HKDFExpand(algorithm, size, info).derive(secret)
