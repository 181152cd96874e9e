"""Ask the cryptography library; errors become ours, and nothing is imported before it is needed."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from checks.errors import FormatError
from checks.secrets import der

if TYPE_CHECKING:
    from collections.abc import Iterator

# Importing the library takes 50 to 150 ms and 15 MB, and most scans meet no key: hence the
# imports inside the functions of this module.

_BIGGEST_RSA: Final = 16384
"""Bits; OpenSSL works with no bigger modulus, and Python's own arithmetic stays quick."""


_LONGEST: Final = 20 * 1024
"""Bytes; a private key of RSA with 16384 bits takes 9.3 KB, the biggest of ML-DSA 7.6 KB."""
_LONGEST_COSTLY: Final = 3 * 1024
_LONGEST_SEALED: Final = 5 * 1024
_COSTLY: Final = frozenset(("1.2.840.10040.4.1", "1.2.840.113549.1.3.1", "1.2.840.10046.2.1"))
"""DSA and both kinds of DH: loading computes a power, which takes minutes for giant numbers."""


class UnsupportedError(FormatError):
    """The structure may be right, but the library does not know the algorithm in it."""


class PublicFacts(NamedTuple):
    """kind: "rsa", "ec", "dsa", "ed25519", ...; spki: SHA-256 in hex of SubjectPublicKeyInfo DER.

    exponent is that of an RSA key, otherwise 0.
    """

    kind: str
    bits: int
    curve: str
    spki: str
    exponent: int = 0


class LoadedKey(NamedTuple):
    """A loaded private key, kept from being printed."""

    key: Any

    def __repr__(self) -> str:
        """Say nothing of the key."""
        return "<private key>"


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turn what the library raises into FormatError about WHAT, and keep its warnings quiet."""
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (UnsupportedAlgorithm, NotImplementedError):
            raise UnsupportedError(f"{what}: an unknown algorithm") from None
        except (ValueError, TypeError, OverflowError, IndexError, InternalError):
            # `from None`: a library's text may quote what it was given.
            raise FormatError(f"{what}: not well formed") from None


def load_der(body: bytes, password: bytes | None = None) -> LoadedKey:
    """Load PKCS#1, SEC1, DSA or PKCS#8; raises FormatError, for a wrong password too."""
    if len(body) > (_LONGEST if password is None else _LONGEST_SEALED):
        raise FormatError("private key: too long")
    if len(body) > _LONGEST_COSTLY and _algorithm(body) in _COSTLY:
        raise FormatError("private key: impossibly large numbers")
    with asking("private key"):
        from cryptography.hazmat.primitives.serialization import load_der_private_key

        # The library's own test of an RSA key takes seconds at 16384 bits; ours is in weaknesses.
        return LoadedKey(load_der_private_key(body, password, unsafe_skip_rsa_key_validation=True))


def _algorithm(body: bytes) -> str:
    """Give the algorithm of PKCS#8 (RFC 5958 2), or "" for another structure."""
    fields = der.read(body).children
    inner = fields[1].children if len(fields) > 1 and fields[1].tag == der.SEQUENCE else ()
    return inner[0].oid if inner and inner[0].tag == der.OID else ""


def load_pem(text: bytes, password: bytes | None = None) -> LoadedKey:
    """Load an armoured key, also one with RFC 1421 headers; raises FormatError."""
    if len(text) > 2 * _LONGEST_SEALED:
        raise FormatError("private key: too long")
    with asking("private key"):
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        return LoadedKey(load_pem_private_key(text, password, unsafe_skip_rsa_key_validation=True))


def load_openssh(text: bytes, password: bytes | None = None) -> LoadedKey:
    """Load an openssh-key-v1 text; UnsupportedError where its bcrypt is not installed."""
    with asking("OpenSSH private key"):
        from cryptography.hazmat.primitives.serialization import load_ssh_private_key

        return LoadedKey(load_ssh_private_key(text, password, unsafe_skip_rsa_key_validation=True))


def public_of(loaded: LoadedKey) -> PublicFacts:
    """Describe the public half of a private key; raises FormatError."""
    with asking("private key"):
        return describe(loaded.key.public_key())


def ssh_public(blob: bytes) -> PublicFacts:
    """Describe an SSH public key blob (RFC 4253 6.6); raises FormatError."""
    import binascii

    with asking("SSH public key"):
        from cryptography.hazmat.primitives.serialization import load_ssh_public_key

        name = blob[4 : 4 + int.from_bytes(blob[:4], "big")]
        line = name[:64] + b" " + binascii.b2a_base64(blob, newline=False)
        return describe(load_ssh_public_key(line))


def describe(public: Any) -> PublicFacts:  # noqa: ANN401 - the library has no common base class
    """Describe a public key object of the library; to be called while asking()."""
    import hashlib

    from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    spki = hashlib.sha256(encoded).hexdigest()
    if isinstance(public, rsa.RSAPublicKey):
        return PublicFacts("rsa", public.key_size, "", spki, public.public_numbers().e)
    if isinstance(public, ec.EllipticCurvePublicKey):
        return PublicFacts("ec", public.key_size, public.curve.name, spki)
    if isinstance(public, dsa.DSAPublicKey):
        return PublicFacts("dsa", public.key_size, "", spki)
    name = type(public).__name__.removesuffix("PublicKey").lower()
    return PublicFacts(name, _BITS.get(name, 0), "", spki)


_BITS: Final = {"ed25519": 256, "x25519": 256, "ed448": 448, "x448": 448}


def label(kind: str, bits: int, curve: str) -> str:
    """Give what people call a kind of key: "RSA 2048", "EC secp256r1", "ed25519"."""
    if kind in {"rsa", "dsa"}:
        return f"{kind.upper()} {bits}"
    return f"EC {curve}" if kind == "ec" else kind


def rsa_primes(loaded: LoadedKey) -> tuple[int, int, int] | None:
    """Give modulus and both primes of an RSA key that is not beyond any use, otherwise None."""
    with asking("private key"):
        from cryptography.hazmat.primitives.asymmetric import rsa

        if not isinstance(loaded.key, rsa.RSAPrivateKey) or loaded.key.key_size > _BIGGEST_RSA:
            return None
        numbers = loaded.key.private_numbers()
        return numbers.public_numbers.n, numbers.p, numbers.q


def decrypt_cbc(cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Decrypt whole blocks with CIPHER "aes" or "3des", padding left on; raises FormatError."""
    with asking("encrypted data"):
        from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        algorithm = AES(key) if cipher == "aes" else TripleDES(key)
        decryptor = Cipher(algorithm, CBC(iv)).decryptor()
        return decryptor.update(data) + decryptor.finalize()
