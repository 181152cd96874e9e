"""Tell RSA moduli that can be factored by anybody, from the public key alone.

CA/Browser Forum Baseline Requirements 6.1.1.3 and 6.1.6 ask certification authorities for the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from checks.secrets.weaknesses import is_roca

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BIGGEST: Final = 16384
"""Bits; OpenSSL works with no bigger modulus, and Python's own arithmetic stays quick."""
_SMALLEST: Final = 256
_SMALL_PRIMES: Final = tuple(n for n in range(2, 752) if all(n % d for d in range(2, min(n, 28))))
"""Baseline Requirements 6.1.6: a modulus should have no factor smaller than 752."""
_FERMAT_ROUNDS: Final = 100
"""Baseline Requirements 6.1.1.3 (5)."""


def weakness(modulus: int) -> str:
    """Give the reason why a modulus can be factored, or "".

    Says nothing of a number that is too small or too big for any RSA key in use.
    """
    if not _SMALLEST <= modulus.bit_length() <= _BIGGEST:
        return ""
    if math.gcd(modulus, math.prod(_SMALL_PRIMES)) > 1:
        return "its RSA modulus has a small factor"
    if is_roca(modulus):
        return "its RSA key comes from a faulty Infineon chip (ROCA, CVE-2017-15361)"
    if _has_close_primes(modulus):
        return "its two RSA primes are so close that they are found at once (CVE-2022-26320)"
    return ""


def shared(moduli: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Give the pairs of different moduli that have a prime in common, which gives both away."""
    seen: list[int] = []
    for modulus in dict.fromkeys(m for m in moduli if _SMALLEST <= m.bit_length() <= _BIGGEST):
        for other in seen:
            if math.gcd(modulus, other) > 1:
                yield other, modulus
        seen.append(modulus)


def _has_close_primes(modulus: int) -> bool:
    """Fermat: the modulus is a difference of squares, here of the first few that may be."""
    root = math.isqrt(modulus)
    if root * root == modulus:
        return True
    for half_sum in range(root + 1, root + 1 + _FERMAT_ROUNDS):
        rest = half_sum * half_sum - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
    return False
