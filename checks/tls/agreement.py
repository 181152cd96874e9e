"""Agree on a secret in TLS 1.3: key shares of the groups that our cryptography library has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from checks.tls.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable

_CURVES: Final[dict[int, type[ec.EllipticCurve]]] = {
    23: ec.SECP256R1,
    24: ec.SECP384R1,
    25: ec.SECP521R1,
}
GROUPS: Final = (29, 23, 24, 25, 30)
"""The groups a share can be made for here."""


class Share(NamedTuple):
    """Our half of a key agreement. secret: from the peer's public value; raises WireError."""

    group: int
    public: bytes
    secret: Callable[[bytes], bytes]

    def __repr__(self) -> str:
        """Leave the key out."""
        return f"<Share of group {self.group}>"


def share(group: int) -> Share:
    """Make a fresh key share; raises WireError for a group that is not among `GROUPS`."""
    if group == 29:
        return _montgomery(group, x25519.X25519PrivateKey.generate(), x25519.X25519PublicKey)
    if group == 30:
        return _montgomery(group, x448.X448PrivateKey.generate(), x448.X448PublicKey)
    if group in _CURVES:
        return _weierstrass(group, ec.generate_private_key(_CURVES[group]()))
    raise WireError("server: asks for a group that was not offered")


def _montgomery(
    group: int,
    key: x25519.X25519PrivateKey | x448.X448PrivateKey,
    public: type[x25519.X25519PublicKey | x448.X448PublicKey],
) -> Share:
    def secret(value: bytes) -> bytes:
        try:
            return key.exchange(public.from_public_bytes(value))  # type: ignore[arg-type]  # the pair fits: the caller names both
        except (ValueError, UnsupportedAlgorithm) as error:
            raise WireError("server: its key share is no point") from error

    return Share(group, key.public_key().public_bytes_raw(), secret)


def _weierstrass(group: int, key: ec.EllipticCurvePrivateKey) -> Share:
    def secret(value: bytes) -> bytes:
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, value)
            return key.exchange(ec.ECDH(), peer)
        except ValueError as error:
            raise WireError("server: its key share is no point") from error

    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return Share(group, public, secret)
