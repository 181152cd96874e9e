"""Describe the public key of a certificate, also one that the library will not load."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from checks.errors import FormatError
from checks.secrets import crypto, der

if TYPE_CHECKING:
    from cryptography import x509

_RSA: Final = frozenset({"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"})
"""rsaEncryption and id-RSASSA-PSS (RFC 4055)."""
_KINDS: Final = {
    **dict.fromkeys(_RSA, "rsa"),
    "1.2.840.10040.4.1": "dsa",
    "1.2.840.10045.2.1": "ec",
    "1.3.101.110": "x25519",
    "1.3.101.111": "x448",
    "1.3.101.112": "ed25519",
    "1.3.101.113": "ed448",
    "2.16.840.1.101.3.4.3.17": "mldsa44",
    "2.16.840.1.101.3.4.3.18": "mldsa65",
    "2.16.840.1.101.3.4.3.19": "mldsa87",
}
"""Kinds of keys by algorithm, in the words of `crypto.PublicFacts`."""
_UNCOMPRESSED: Final = 4


class Key(msgspec.Struct, frozen=True):
    """A public key.

    kind: "rsa", "ec", "ed25519", "mldsa65", ..., "other"; bits: 0 where not known; curve: its name
    or, where the library does not know it, its number; spki: SHA-256 in hex of its
    SubjectPublicKeyInfo; exponent, modulus: of an RSA key, otherwise 0.
    """

    kind: str
    bits: int = 0
    curve: str = ""
    spki: str = ""
    exponent: int = 0
    modulus: int = 0

    @property
    def label(self) -> str:
        """What people call it: "RSA 2048", "EC secp256r1", "ed25519"."""
        return crypto.label(self.kind, self.bits, self.curve)


def read(info: der.Node, parsed: x509.Certificate) -> Key:
    """Describe a SubjectPublicKeyInfo as it stands in a certificate and as the library has it."""
    described = _loaded(parsed)
    fields = _fields(info)
    kind = _KINDS.get(fields[0], "other") if fields else "other"
    modulus, exponent = _rsa_numbers(fields[2]) if fields and kind == "rsa" else (0, 0)
    if described is not None:
        return Key(
            described.kind, described.bits, described.curve, described.spki, exponent, modulus
        )
    spki = hashlib.sha256(info.raw).hexdigest()
    if fields and kind == "ec":
        return Key(kind, _field_bits(fields[2]), fields[1], spki)
    return Key(kind, modulus.bit_length(), "", spki, exponent, modulus)


def _loaded(parsed: x509.Certificate) -> crypto.PublicFacts | None:
    try:
        with crypto.asking("public key"):
            return crypto.describe(parsed.public_key())
    except FormatError:
        return None


def _fields(info: der.Node) -> tuple[str, str, bytes] | None:
    """Give the algorithm, its parameter where that is a name, and the key's bytes."""
    with contextlib.suppress(FormatError):
        outer = info.children
        parts = outer[0].children if len(outer) == 2 else ()
        if parts:
            named = len(parts) > 1 and parts[1].tag == der.OID
            return parts[0].oid, parts[1].oid if named else "", outer[1].value[1:]
    return None


def _rsa_numbers(encoded: bytes) -> tuple[int, int]:
    """Read RSAPublicKey (RFC 8017 A.1.1); zeros where it is none."""
    with contextlib.suppress(FormatError):
        parts = der.read(encoded).children
        if len(parts) == 2 and all(part.tag == der.INTEGER for part in parts):
            modulus, exponent = (int.from_bytes(part.value, "big") for part in parts)
            return modulus, exponent
    return 0, 0


def _field_bits(point: bytes) -> int:
    """Say how wide a curve's numbers are by a point on it (SEC 1, 2.3.3)."""
    halves = 2 if point[:1] == bytes([_UNCOMPRESSED]) else 1
    return (len(point) - 1) // halves * 8 if point else 0
