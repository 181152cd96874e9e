"""Check that a server holds the key of its certificate: the signature over its handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGESTS: Final[Mapping[int, hashes.HashAlgorithm]] = {
    0x0403: hashes.SHA256(),
    0x0503: hashes.SHA384(),
    0x0603: hashes.SHA512(),
    0x0804: hashes.SHA256(),
    0x0805: hashes.SHA384(),
    0x0806: hashes.SHA512(),
    0x0809: hashes.SHA256(),
    0x080A: hashes.SHA384(),
    0x080B: hashes.SHA512(),
}


def is_proved(certificate: bytes, scheme: int, signature: bytes, signed: bytes) -> bool | None:
    """Say whether SIGNATURE over SIGNED is of the certificate's key; None where it cannot be told.

    RFC 8446 4.2.3 names the schemes.
    """
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    try:
        if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            key.verify(signature, signed)
        elif scheme not in _DIGESTS:
            return None
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(_DIGESTS[scheme]))
        elif isinstance(key, rsa.RSAPublicKey):
            digest = _DIGESTS[scheme]
            mask = padding.PSS(padding.MGF1(digest), digest.digest_size)
            key.verify(signature, signed, mask, digest)
        else:
            return None
    except InvalidSignature:
        return False
    return True
