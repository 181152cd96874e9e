"""Check the signature on a certificate, also by algorithms that are no longer used to sign."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from checks.errors import FormatError
from checks.secrets import crypto

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes


class Algorithm(NamedTuple):
    """A signature algorithm; digest: the hash in it, "" where it has none or it is not known."""

    name: str
    digest: str


_PSS: Final = "1.2.840.113549.1.1.10"
_NAMES: Final = {
    "1.2.840.113549.1.1.2": ("RSA", "md2"),
    "1.2.840.113549.1.1.3": ("RSA", "md4"),
    "1.2.840.113549.1.1.4": ("RSA", "md5"),
    "1.2.840.113549.1.1.5": ("RSA", "sha1"),
    "1.3.14.3.2.29": ("RSA", "sha1"),
    "1.2.840.113549.1.1.11": ("RSA", "sha256"),
    "1.2.840.113549.1.1.12": ("RSA", "sha384"),
    "1.2.840.113549.1.1.13": ("RSA", "sha512"),
    "1.2.840.113549.1.1.14": ("RSA", "sha224"),
    "1.2.840.10040.4.3": ("DSA", "sha1"),
    "1.2.840.10045.4.1": ("ECDSA", "sha1"),
    "1.2.840.10045.4.3.1": ("ECDSA", "sha224"),
    "1.2.840.10045.4.3.2": ("ECDSA", "sha256"),
    "1.2.840.10045.4.3.3": ("ECDSA", "sha384"),
    "1.2.840.10045.4.3.4": ("ECDSA", "sha512"),
    "1.3.101.112": ("Ed25519", ""),
    "1.3.101.113": ("Ed448", ""),
    "2.16.840.1.101.3.4.3.1": ("DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("DSA", "sha256"),
    "2.16.840.1.101.3.4.3.17": ("ML-DSA-44", ""),
    "2.16.840.1.101.3.4.3.18": ("ML-DSA-65", ""),
    "2.16.840.1.101.3.4.3.19": ("ML-DSA-87", ""),
}
"""RFC 3279, RFC 4055, RFC 5758, RFC 8410, RFC 9881."""
_MOST_EXPONENT_BITS: Final = 256
_MOST_DSA_BITS: Final = 4096
"""Bigger numbers are in no key in use, and would take 10 ms a signature."""
_DIGEST_INFO: Final = {
    "md5": bytes.fromhex("3020300c06082a864886f70d020505000410"),
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
}
"""RFC 8017 9.2 note 1: what stands before the digest in a signature."""


def known() -> tuple[Algorithm, ...]:
    """Give every algorithm that is told apart; RSA-PSS with the hashes that are used with it."""
    pss = (Algorithm("RSA-PSS", digest) for digest in ("sha256", "sha384", "sha512"))
    return (*(Algorithm(*pair) for pair in _NAMES.values()), *pss)


def algorithm(signed: x509.Certificate) -> Algorithm:
    """Name the algorithm of a certificate's signature; one that is not known by its number."""
    number = signed.signature_algorithm_oid.dotted_string
    if number == _PSS:
        return Algorithm("RSA-PSS", _library_digest(signed))
    if number not in _NAMES:
        return Algorithm(number, _library_digest(signed))
    return Algorithm(*_NAMES[number])


def _library_digest(signed: x509.Certificate) -> str:
    try:
        with crypto.asking("signature"):
            found = signed.signature_hash_algorithm
    except FormatError:
        return ""
    return found.name if found else ""


def is_signed_by(signed: x509.Certificate, issuer: x509.Certificate) -> bool | None:
    """Say whether a certificate's signature is of the issuer's key; None where it cannot be told.

    It cannot where the library does not know the algorithm of the signature or of the key, or
    where the key's numbers are beyond any use.
    """
    try:
        with crypto.asking("signature"):
            return _verified(signed, issuer.public_key())
    except crypto.UnsupportedError:
        return None
    except (FormatError, InvalidSignature):
        return False


def _verified(signed: x509.Certificate, key: CertificatePublicKeyTypes) -> bool:
    """Check a signature; raises InvalidSignature, or what `asking` turns into our errors."""
    signature, body = signed.signature, signed.tbs_certificate_bytes
    if isinstance(key, rsa.RSAPublicKey):
        return _verified_rsa(signed, key)
    if isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
        key.verify(signature, body)
        return True
    digest = signed.signature_hash_algorithm
    if isinstance(key, ec.EllipticCurvePublicKey):
        if digest is None:
            return False
        key.verify(signature, body, ec.ECDSA(digest))
    elif isinstance(key, dsa.DSAPublicKey):
        if digest is None:
            return False
        if key.key_size > _MOST_DSA_BITS:
            raise crypto.UnsupportedError("signature: of an impossibly large key")
        key.verify(signature, body, digest)
    elif hasattr(key, "verify"):  # ML-DSA, where the library has it
        key.verify(signature, body)
    else:
        return False
    return True


def _verified_rsa(signed: x509.Certificate, key: rsa.RSAPublicKey) -> bool:
    if key.public_numbers().e.bit_length() > _MOST_EXPONENT_BITS:
        raise crypto.UnsupportedError("signature: of an impossibly large exponent")
    name, digest = algorithm(signed)
    if digest in _DIGEST_INFO and name == "RSA":
        # The library does not verify these, but gives what was signed.
        found = key.recover_data_from_signature(signed.signature, padding.PKCS1v15(), None)
        made = hashlib.new(digest, signed.tbs_certificate_bytes, usedforsecurity=False).digest()
        return found == _DIGEST_INFO[digest] + made
    scheme = signed.signature_algorithm_parameters
    hashed = signed.signature_hash_algorithm
    if hashed is None or not isinstance(scheme, (padding.PKCS1v15, padding.PSS)):
        return False
    key.verify(signed.signature, signed.tbs_certificate_bytes, scheme, hashed)
    return True
