"""Check signatures with public keys: Ed25519, and ECDSA on P-256 and P-384.

Which algorithm is used follows from the key alone; no envelope has a say in it.
"""

from __future__ import annotations

import hashlib
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from checks.errors import AttestationError

PublicKey: TypeAlias = Ed25519PublicKey | ec.EllipticCurvePublicKey
LARGEST: Final = 4096
"""Bytes of the largest file with a public key."""
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
}


def read(pem: bytes) -> PublicKey:
    """Read a key; raises AttestationError."""
    try:
        key = form.load_pem_public_key(pem[:LARGEST])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise AttestationError("not a public key in PEM") from error
    return known(key)


def known(key: object) -> PublicKey:
    """Give a key that is of a kind that is used here; raises AttestationError."""
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _HASHES:
        return key
    raise AttestationError("expected a key of Ed25519, or of ECDSA on P-256 or P-384")


def name(key: PublicKey) -> str:
    """Give the id of a key: SHA-256 of its SubjectPublicKeyInfo, in hex."""
    der = key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def algorithm(key: ec.EllipticCurvePublicKey) -> ec.ECDSA:
    """Give how a key of ECDSA signs: with the hash that fits its curve (FIPS 186-5, 6.1.1)."""
    return ec.ECDSA(_HASHES[key.curve.name])


def proves(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Say whether a signature is this key's."""
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        else:
            key.verify(signature, data, algorithm(key))
    except InvalidSignature:
        return False
    return True
