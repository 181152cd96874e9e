"""Agree on a secret in TLS 1.3: key shares of the groups that our cryptography library has.

RFC 8446 4.2.8 and 7.4, RFC 8734 for Brainpool's curves; draft-ietf-tls-ecdhe-mlkem for the groups
that join a curve and ML-KEM, draft-ietf-tls-mlkem for ML-KEM alone.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from checks.tls import numbers, primes
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable

_CURVES: Final[dict[int, type[ec.EllipticCurve]]] = {
    23: ec.SECP256R1,
    24: ec.SECP384R1,
    25: ec.SECP521R1,
    31: ec.BrainpoolP256R1,
    32: ec.BrainpoolP384R1,
    33: ec.BrainpoolP512R1,
}
_FINITE: Final = range(256, 261)
"""ffdhe2048 to ffdhe8192 (RFC 7919)."""
_EXPONENT: Final = 400
"""Bits; RFC 7919 5.2 asks for as many as this for the largest of them."""
GROUPS: Final = (29, 23, 24, 25, 30)
"""The groups a share can always be made for, and cheaply."""
_UNCOMPRESSED: Final = b"\x04"
_CIPHERTEXTS: Final = {768: 1088, 1024: 1568}
"""Bytes of what a server sends for each size of ML-KEM (FIPS 203, table 3)."""


class _Joined(NamedTuple):
    """What a post-quantum group is made of. curve: its group, 0 for none."""

    kem: int
    curve: int = 0
    kem_first: bool = True


_JOINED: Final = {
    513: _Joined(768),
    514: _Joined(1024),
    0x11EB: _Joined(768, 23, kem_first=False),
    0x11EC: _Joined(768, 29),
    0x11ED: _Joined(1024, 24, kem_first=False),
}


class Share(NamedTuple):
    """Our half of a key agreement. secret: from the peer's public value; raises WireError."""

    group: int
    public: bytes
    secret: Callable[[bytes], bytes]

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"<Share of group {self.group}>"


def share(group: int) -> Share:
    """Make a fresh key share; raises WireError for a group that is not known here."""
    if group == 29:
        return _montgomery(group, x25519.X25519PrivateKey.generate(), x25519.X25519PublicKey)
    if group == 30:
        return _montgomery(group, x448.X448PrivateKey.generate(), x448.X448PublicKey)
    if group in _CURVES:
        return _weierstrass(group, _CURVES[group]())
    if group in _FINITE:
        return _finite(group, _prime(group))
    if group in _JOINED:
        return _joined(group, _JOINED[group])
    raise _unknown()


def _unknown() -> WireError:
    return WireError("server: asks for a group that is not known here")


def _bad() -> WireError:
    return WireError("server: its key share is none of its group")


def _montgomery(
    group: int,
    key: x25519.X25519PrivateKey | x448.X448PrivateKey,
    public: type[x25519.X25519PublicKey | x448.X448PublicKey],
) -> Share:
    def secret(value: bytes) -> bytes:
        try:
            return key.exchange(public.from_public_bytes(value))  # type: ignore[arg-type]  # the pair fits: the caller names both
        except (ValueError, UnsupportedAlgorithm):
            raise _bad() from None

    return Share(group, key.public_key().public_bytes_raw(), secret)


def _weierstrass(group: int, curve: ec.EllipticCurve) -> Share:
    try:
        key = ec.generate_private_key(curve)
    except UnsupportedAlgorithm:  # some distributions build the library without Brainpool
        raise _unknown() from None

    def secret(value: bytes) -> bytes:
        if value[:1] != _UNCOMPRESSED:  # RFC 8446 4.2.8.2
            raise _bad()
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, value)
            return key.exchange(ec.ECDH(), peer)
        except (ValueError, UnsupportedAlgorithm):
            raise _bad() from None

    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Share(group, public, secret)


def _finite(group: int, prime: int) -> Share:
    """Agree modulo a prime (RFC 8446 4.2.8.1, 7.4.1): both values are as long as the prime."""
    key = secrets.randbits(_EXPONENT)
    size = (prime.bit_length() + 7) // 8

    def secret(value: bytes) -> bytes:
        peer = int.from_bytes(value, "big")
        if len(value) != size or not 1 < peer < prime - 1:
            raise _bad()
        return pow(peer, key, prime).to_bytes(size, "big")

    return Share(group, pow(2, key, prime).to_bytes(size, "big"), secret)


def _prime(group: int) -> int:
    name = f"RFC 7919 {numbers.GROUPS[group]}"
    return next(prime for prime, known in primes.known().items() if known.name == name)


def _joined(group: int, parts: _Joined) -> Share:
    """Put ML-KEM and a curve side by side, in the order in which the group has them."""
    kem = _mlkem(group, parts.kem)
    if not parts.curve:
        return kem
    curve = share(parts.curve)

    def secret(value: bytes) -> bytes:
        ours = _CIPHERTEXTS[parts.kem]
        if parts.kem_first:
            return kem.secret(value[:ours]) + curve.secret(value[ours:])
        return curve.secret(value[:-ours]) + kem.secret(value[-ours:])

    both = (kem.public, curve.public) if parts.kem_first else (curve.public, kem.public)
    return Share(group, b"".join(both), secret)


def _mlkem(group: int, size: int) -> Share:
    try:
        from cryptography.hazmat.primitives.asymmetric import mlkem

        kind = mlkem.MLKEM768PrivateKey if size == 768 else mlkem.MLKEM1024PrivateKey
        key = kind.generate()
    except (ImportError, UnsupportedAlgorithm):  # a library from before it had ML-KEM
        raise _unknown() from None

    def secret(value: bytes) -> bytes:
        try:
            return key.decapsulate(value)
        except ValueError:
            raise _bad() from None

    return Share(group, key.public_key().public_bytes_raw(), secret)
