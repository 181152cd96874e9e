"""Read what trying a passphrase would cost, so that a hostile file cannot make us pay it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError

if TYPE_CHECKING:
    from checks.secrets.der import Node

PASSPHRASES: Final = ("", "changeit", "password", "changeme", "secret", "123456")
"""The passphrases of manuals and installers, and nothing more: this is no cracker."""

MOST_ITERATIONS: Final = 100_000
MOST_BCRYPT_ROUNDS: Final = 32
_MOST_SCRYPT_MEMORY: Final = 32 << 20
_MOST_SCRYPT_WORK: Final = 1 << 19
_FEWEST: Final = 1000
"""NIST SP 800-132 5.2: at least 1,000 iterations."""


class Kdf(NamedTuple):
    """How a passphrase becomes a key: name with its cost, may it be tried, is it a weak way."""

    name: str
    cheap: bool
    weak: bool


MD5_ONCE: Final = Kdf("md5 1", cheap=True, weak=True)
"""The legacy PEM encryption of OpenSSL: EVP_BytesToKey with MD5 and one iteration."""

PBES2: Final = "1.2.840.113549.1.5.13"
PBKDF2: Final = "1.2.840.113549.1.5.12"
SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"
_PBES1: Final = "1.2.840.113549.1.5."
_PKCS12: Final = "1.2.840.113549.1.12.1."
_SUN: Final = {
    "1.3.6.1.4.1.42.2.17.1.1": Kdf("sun-jks sha1 1", cheap=False, weak=True),
    "1.3.6.1.4.1.42.2.19.1": Kdf("sun-jce md5", cheap=False, weak=True),
}
_EXPORT: Final = frozenset((_PKCS12 + "2", _PKCS12 + "5", _PKCS12 + "6"))
"""RC4 with 40 bits, RC2 with 128 and 40 bits (RFC 7292 appendix C)."""


def of_algorithm(algorithm: Node) -> Kdf:
    """Read an AlgorithmIdentifier of password-based encryption; raises FormatError."""
    name, *rest = algorithm.children
    oid = name.oid
    if oid in _SUN:
        return _SUN[oid]
    if not rest:
        raise FormatError("password-based encryption: parameters are missing")
    if oid == PBES2:
        return _derivation(rest[0].children[0])
    if oid.startswith((_PBES1, _PKCS12)):
        count = rest[0].children[1].number if len(rest[0].children) > 1 else 0
        kind = "pkcs12" if oid.startswith(_PKCS12) else "pbes1"
        weak = kind == "pbes1" or oid in _EXPORT
        return iterated(kind, count, weak=weak)
    raise FormatError("password-based encryption: an unknown algorithm")


def iterated(name: str, count: int, *, weak: bool = False) -> Kdf:
    """Describe a derivation whose cost is its iteration count."""
    cheap = 0 < count <= MOST_ITERATIONS
    return Kdf(f"{name} {min(count, 1 << 64)}", cheap, weak or count < _FEWEST)


def bcrypt(rounds: int) -> Kdf:
    """Describe OpenSSH's derivation, bcrypt_pbkdf."""
    return Kdf(f"bcrypt {rounds}", 0 < rounds <= MOST_BCRYPT_ROUNDS, weak=False)


def _derivation(algorithm: Node) -> Kdf:
    name, *rest = algorithm.children
    values = rest[0].children if rest else ()
    if name.oid == PBKDF2 and len(values) > 1:
        return iterated("pbkdf2", values[1].number)
    if name.oid == SCRYPT and len(values) > 3:
        cost, size, lanes = (value.number for value in values[1:4])
        cheap = (
            128 * cost * size <= _MOST_SCRYPT_MEMORY and cost * size * lanes <= _MOST_SCRYPT_WORK
        )
        shown = " ".join(str(min(number, 1 << 64)) for number in (cost, size, lanes))
        return Kdf(f"scrypt {shown}", cheap, cost < 1 << 12)
    raise FormatError("password-based encryption: an unknown key derivation")
