"""Say why a key of good form is weak all the same: too short, badly chosen or obsolete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from checks.secrets.crypto import PublicFacts

_RSA_BITS: Final = 2048
"""NIST SP 800-131A rev. 2, table 2: less than 112 bits of strength is disallowed."""
_EC_BITS: Final = 224
_EXPONENT: Final = 65537
"""FIPS 186-5 A.1.1: an odd exponent above 2 ** 16."""
_OBSOLETE: Final = {
    "dsa": "DSA is obsolete: FIPS 186-5 withdrew it and OpenSSH dropped it",
    "elgamal": "ElGamal is obsolete: OpenPGP keys of today do not use it",
}
_SMALL_PRIMES: Final = tuple(n for n in range(3, 168) if all(n % d for d in range(2, n)))


def of_public(public: PublicFacts) -> str:
    """Give the reason why a key is weak, as its public half shows it, or ""."""
    kind, bits = public.kind, public.bits
    if kind in _OBSOLETE:
        return _OBSOLETE[kind]
    if kind == "rsa" and 0 < bits < _RSA_BITS:
        return f"RSA with {bits} bits is under {_RSA_BITS}"
    if kind == "ec" and 0 < bits < _EC_BITS:
        return f"the curve's {bits} bits are under {_EC_BITS}"
    if kind == "rsa" and public.exponent and not _sound(public.exponent):
        return f"the RSA public exponent is not an odd number of {_EXPONENT} or more"
    return ""


def _sound(exponent: int) -> bool:
    return exponent >= _EXPONENT and exponent % 2 == 1


def of_primes(modulus: int, first: int, second: int) -> str:
    """Give the reason why an RSA key was badly generated, or ""."""
    # FIPS 186-5 A.1.3: primes this close are found by Fermat's factorisation (CVE-2022-26320).
    if abs(first - second).bit_length() <= modulus.bit_length() // 2 - 100:
        return "the two RSA primes are so close that the key can be factored"
    if is_roca(modulus):
        return "the RSA key comes from a faulty Infineon chip and can be factored (CVE-2017-15361)"
    return ""


def is_roca(modulus: int) -> bool:
    """Nemec et al., CCS 2017: modulo every small prime such a modulus is a power of 65537.

    Of random moduli one in about 100 million passes.
    """
    return all(modulus % prime in _powers(prime) for prime in _SMALL_PRIMES)


def _powers(prime: int) -> frozenset[int]:
    """Give the powers of 65537 modulo a small prime."""
    power, found = 1, set[int]()
    while power not in found:
        found.add(power)
        power = power * _EXPONENT % prime
    return frozenset(found)
