"""The secrets of TLS 1.0 to 1.2 on the client's side: from what was agreed on to keys. Sans I/O.

RFC 5246 sections 5, 6.3 and 8.1, RFC 2246 for the versions before it, RFC 7627 (extended master
secret).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from checks.tls.numbers import Version
from checks.tls.records12 import Direction
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.records12 import Protection, Random

_MASTER: Final = 48
_VERIFIED: Final = 12
"""Bytes of a Finished (RFC 5246 7.4.9)."""


class Secrets:
    """The master secret of one handshake.

    premaster: what was agreed on; randoms: the client's and the server's; transcript: the messages
    up to the client's key exchange where the extended master secret was agreed on, else b"".
    """

    def __init__(
        self,
        agreed: Protection,
        premaster: bytes,
        randoms: tuple[bytes, bytes],
        transcript: bytes = b"",
    ) -> None:
        """Derive it; raises WireError on a host that lacks a digest."""
        self._agreed = agreed
        self._randoms = randoms
        label, seed = b"master secret", b"".join(randoms)
        if transcript:
            label, seed = b"extended master secret", self._digest(transcript)
        self._secret = premaster
        self._secret = self._derive(label, seed, _MASTER)

    def __repr__(self) -> str:
        """Leave the secret out."""
        return "<Secrets>"

    def finished(self, label: bytes, transcript: bytes) -> bytes:
        """Give the verify_data of a Finished over the messages so far."""
        return self._derive(label, self._digest(transcript), _VERIFIED)

    def directions(self, random: Random) -> tuple[Direction, Direction]:
        """Give the client's and the server's keys."""
        client, server = self._randoms
        sizes = [size for one in self._agreed.sizes for size in (one, one)]
        parts = _cut(self._derive(b"key expansion", server + client, sum(sizes)), sizes)
        keys = list(parts)
        return (
            Direction(self._agreed, keys[::2], random),
            Direction(self._agreed, keys[1::2], random),
        )

    @property
    def _prf(self) -> str:
        """The digest since TLS 1.2."""
        return "sha384" if self._agreed.suite.name.endswith("_SHA384") else "sha256"

    def _digest(self, transcript: bytes) -> bytes:
        if self._agreed.version < Version.TLS12:
            return both_digests(transcript)
        return hashlib.new(self._prf, transcript).digest()

    def _derive(self, label: bytes, seed: bytes, size: int) -> bytes:
        secret, seed = self._secret, label + seed
        if self._agreed.version >= Version.TLS12:
            return _stretched(self._prf, secret, seed, size)
        half = (len(secret) + 1) // 2
        first = _stretched("md5", secret[:half], seed, size)
        second = _stretched("sha1", secret[-half:], seed, size)
        return bytes(one ^ other for one, other in zip(first, second, strict=True))


def both_digests(data: bytes) -> bytes:
    """Give MD5 and SHA-1 of data, the digest of TLS before 1.2; raises WireError without MD5."""
    try:
        first = hashlib.new("md5", data, usedforsecurity=False).digest()
    except ValueError:
        raise _no_digest() from None
    return first + hashlib.new("sha1", data, usedforsecurity=False).digest()


def _no_digest() -> WireError:
    return WireError("session: this host has no MD5 (FIPS mode)")


def _stretched(name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """P_hash of RFC 5246 5."""
    made, last = b"", seed
    try:
        while len(made) < size:
            last = hmac.digest(secret, last, name)
            made += hmac.digest(secret, last + seed, name)
    except ValueError:
        raise _no_digest() from None
    return made[:size]


def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
