"""Check that a server of TLS 1.0 to 1.2 holds the key of its certificate: who signed its share.

RFC 5246 4.7 and 7.4.3, RFC 4492 5.4; the schemes of RFC 8446 4.2.3 where 1.2 has them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from checks.tls import proof
from checks.tls.secrets12 import both_digests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

_DIGESTS: Final[Mapping[int, hashes.HashAlgorithm]] = {
    1: hashes.MD5(),  # noqa: S303 - what a server signs by is looked at, not chosen
    2: hashes.SHA1(),  # noqa: S303 - the same
    3: hashes.SHA224(),
    4: hashes.SHA256(),
    5: hashes.SHA384(),
    6: hashes.SHA512(),
}
"""By the first byte of a scheme (RFC 5246 7.4.1.4.1)."""
_RSA, _ECDSA = 1, 3
_OLDEST_WHOLE: Final = 0x0700
"""Schemes from here on are numbers of their own, no pairs of a digest and a signature."""


def is_proved(certificate: bytes, scheme: int, signature: bytes, signed: bytes) -> bool | None:
    """Say whether SIGNATURE over SIGNED is of the certificate's key; None where it cannot be told.

    scheme: 0 before TLS 1.2. Never raises but WireError on a host without MD5 before 1.2.
    """
    if scheme >= _OLDEST_WHOLE:
        return proof.is_proved(certificate, scheme, signature, signed)
    key = proof.public_key(certificate)
    try:
        return _verified(key, scheme, signature, signed)
    except InvalidSignature:
        return False
    except (ValueError, UnsupportedAlgorithm):
        return None


def _verified(
    key: CertificatePublicKeyTypes | None, scheme: int, signature: bytes, signed: bytes
) -> bool | None:
    """Verify and say True, or None for what is not known; raises InvalidSignature."""
    digest = _DIGESTS.get(scheme >> 8)
    if isinstance(key, ec.EllipticCurvePublicKey) and scheme & 0xFF in {0, _ECDSA}:
        key.verify(signature, signed, ec.ECDSA(digest or _DIGESTS[2]))
    elif isinstance(key, rsa.RSAPublicKey) and scheme & 0xFF == _RSA and digest is not None:
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    elif isinstance(key, rsa.RSAPublicKey) and not scheme:
        return key.recover_data_from_signature(signature, padding.PKCS1v15(), None) == both_digests(
            signed
        )
    else:
        return None
    return True
