"""Check that a server holds the key of its certificate: the signature over its handshake."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

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
"""Of ECDSA's schemes and of RSA-PSS's (RFC 8446 4.2.3)."""
_ECDSA: Final = (0x0403, 0x0503, 0x0603)
_EDWARDS: Final = (0x0807, 0x0808)
_MLDSA: Final = (0x0904, 0x0905, 0x0906)
"""draft-ietf-tls-mldsa: over the message itself, with no context."""


def is_proved(certificate: bytes, scheme: int, signature: bytes, signed: bytes) -> bool | None:
    """Say whether SIGNATURE over SIGNED is of the certificate's key; None where it cannot be told.

    False too for a scheme that is not of the key's kind. Never raises: the bytes are the peer's.
    """
    key = public_key(certificate)
    if key is None:
        return None
    try:
        return _verified(key, scheme, signature, signed)
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm):  # a key that the library does not work with
        return None


def public_key(certificate: bytes) -> CertificatePublicKeyTypes | None:
    """Give the key of a certificate, None where it cannot be read. Never raises."""
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate  # heavy

    with warnings.catch_warnings():  # a certificate with a bad serial number is no news here
        warnings.simplefilter("ignore")
        try:
            return load_der_x509_certificate(certificate).public_key()
        except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm, InvalidVersion):
            return None


def _verified(
    key: CertificatePublicKeyTypes, scheme: int, signature: bytes, signed: bytes
) -> bool | None:
    """Verify and say True, or None for an unknown scheme; raises InvalidSignature."""
    if isinstance(key, ec.EllipticCurvePublicKey) and scheme in _ECDSA:
        key.verify(signature, signed, ec.ECDSA(_DIGESTS[scheme]))
    elif isinstance(key, rsa.RSAPublicKey) and scheme in _DIGESTS and scheme not in _ECDSA:
        digest = _DIGESTS[scheme]
        mask = padding.PSS(padding.MGF1(digest), digest.digest_size)
        key.verify(signature, signed, mask, digest)
    elif isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)) and scheme in _EDWARDS:
        key.verify(signature, signed)
    elif scheme in _MLDSA:
        return _quantum_safe(key, signature, signed)
    else:
        return False if scheme in {*_DIGESTS, *_EDWARDS} else None
    return True


def _quantum_safe(key: CertificatePublicKeyTypes, signature: bytes, signed: bytes) -> bool | None:
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa
    except ImportError:  # a library from before it had ML-DSA
        return None
    if not isinstance(
        key, (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)
    ):
        return False
    key.verify(signature, signed)
    return True
