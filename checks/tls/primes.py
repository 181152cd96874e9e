"""Primes of Diffie-Hellman: which of them everybody uses, and whether a number is one at all.

`primes.tsv` has a line for each known one: where it comes from, what it is worth, hex. "common": it
is short enough to be worked on, for all servers that use it at once, or nobody says how it was
made; "tolerable": shared, but long and made in the open; "fine": groups that TLS has names for.
Sources: RFC 2409 6, RFC 3526, RFC 5114 2, RFC 7919 A; ssl_engine_dh.c of Apache httpd 2.0 and 2.2,
ngx_event_openssl.c of nginx 1.10, ParameterCache.java of OpenJDK 7, s_server.c and ssltest.c of
OpenSSL 1.0.
"""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache
from math import gcd, prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from checks import packaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ROUNDS: Final = ((1024, 16), (2048, 8), (4096, 4), (8192, 1))
"""Rounds by length in bits: a round at 8192 bits takes a second; a composite that was not made to
pass fails the first one."""
_SMALL: Final = prod(n for n in range(3, 1000, 2) if all(n % d for d in range(3, 32, 2) if d < n))


class Known(NamedTuple):
    """A prime that is published. worth: "common", "tolerable" or "fine"."""

    name: str
    worth: str


@cache
def known() -> Mapping[int, Known]:
    """Give the published primes."""
    text = packaged.text(__package__, "primes.tsv")
    rows = (row.split("\t") for row in text.splitlines())
    return MappingProxyType({int(digits, 16): Known(name, worth) for name, worth, digits in rows})


@lru_cache(maxsize=64)
def is_composite(number: int) -> bool | None:
    """Say whether a number is no prime; None for one too long to be worked on.

    Miller-Rabin. The bases follow from the number, so that the answer is always the same, and
    whoever makes a number cannot choose them.
    """
    if number in known():
        return False
    if number < 1000 * 1000:
        return number < 2 or any(number % d == 0 for d in range(2, 1000) if d * d <= number)
    if number % 2 == 0 or gcd(number, _SMALL) > 1:
        return True
    rounds = next((most for bits, most in _ROUNDS if number.bit_length() <= bits), 0)
    if not rounds:
        return None
    return any(_is_witness(base, number) for base in _bases(number, rounds))


def fingerprint(number: int) -> str:
    """Give 16 hex digits that stand for a number."""
    return hashlib.sha256(_bytes(number)).hexdigest()[:16]


def _bases(number: int, rounds: int) -> Iterator[int]:
    seed = _bytes(number)
    for turn in range(rounds):
        digest = hashlib.shake_256(turn.to_bytes(1, "big") + seed).digest(len(seed) + 8)
        yield 2 + int.from_bytes(digest, "big") % (number - 3)


def _bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8 or 1, "big")


def _is_witness(base: int, number: int) -> bool:
    """Say whether a base proves an odd number composite."""
    twos = ((number - 1) & (1 - number)).bit_length() - 1
    value = pow(base, (number - 1) >> twos, number)
    if value in {1, number - 1}:
        return False
    for _ in range(twos - 1):
        value = value * value % number
        if value == number - 1:
            return False
    return True
