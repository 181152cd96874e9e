"""Published primes are what their standards say, and composites are told from primes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import primes

BY_NAME = {known.name: prime for prime, known in primes.known().items()}


def _pi(bits: int) -> int:
    """Give pi times two to the BITS, by Machin's formula."""

    def arctangent(inverse: int) -> int:
        term = total = (1 << (bits + 64)) // inverse
        for odd in range(3, 10**6, 2):
            term //= -inverse * inverse
            if term in {0, -1}:
                return total
            total += term // odd
        raise AssertionError

    return (16 * arctangent(5) - 4 * arctangent(239)) >> 64


def _e(bits: int) -> int:
    """Give e times two to the BITS, by its series."""
    term = total = 1 << (bits + 64)
    for number in range(1, 10**6):
        term //= number
        if not term:
            return total >> 64
        total += term
    raise AssertionError


@pytest.mark.parametrize(
    ("name", "bits", "offset"),
    [
        ("RFC 2409 group 1", 768, 149686),
        ("RFC 2409 group 2", 1024, 129093),
        ("RFC 3526 group 5", 1536, 741804),
        ("RFC 3526 group 14", 2048, 124476),
        ("RFC 3526 group 15", 3072, 1690314),
        ("RFC 3526 group 16", 4096, 240904),
        ("RFC 3526 group 17", 6144, 929484),
        ("RFC 3526 group 18", 8192, 4743158),
    ],
)
def test_the_groups_of_ike_follow_from_pi(name: str, bits: int, offset: int) -> None:
    """RFC 2409 and RFC 3526 give their primes by a formula, and the data agree with it."""
    made = 2**bits - 2 ** (bits - 64) - 1 + 2**64 * (_pi(bits - 130) + offset)
    assert BY_NAME[name] == made


@pytest.mark.parametrize(
    ("bits", "offset"),
    [(2048, 560316), (3072, 2625351), (4096, 5736041), (6144, 15705020), (8192, 10965728)],
)
def test_the_groups_of_tls_follow_from_e(bits: int, offset: int) -> None:
    """RFC 7919 gives its primes by a formula, and the data agree with it."""
    made = 2**bits - 2 ** (bits - 64) + (_e(bits - 130) + offset) * 2**64 - 1
    assert BY_NAME[f"RFC 7919 ffdhe{bits}"] == made


def test_every_published_prime_is_odd_and_of_a_known_worth() -> None:
    """A short one is never tolerable, and the short ones pass Fermat's test."""
    for prime, known in primes.known().items():
        assert known.worth in {"common", "tolerable", "fine"}
        assert prime.bit_length() >= 2048 or known.worth == "common"
        assert prime.bit_length() > 2048 or pow(3, prime - 1, prime) == 1


@given(st.integers(min_value=-5, max_value=10_000))
def test_small_numbers_are_told_apart_exactly(number: int) -> None:
    """Below a million trial division settles it."""
    prime = number > 1 and all(number % d for d in range(2, number) if d * d <= number)
    assert primes.is_composite(number) is not prime


@pytest.mark.parametrize("number", [3215031751, 3825123056546413051, 318665857834031151167461])
def test_strong_pseudoprimes_to_small_bases_are_found_out(number: int) -> None:
    """Numbers that pass Miller-Rabin for the bases 2 to 37 are composite all the same."""
    assert primes.is_composite(number) is True


@pytest.mark.parametrize("number", [2**521 - 1, 2**607 - 1, 2**1279 - 1])
def test_mersenne_primes_are_primes(number: int) -> None:
    """A prime that is in no list is told as one."""
    assert primes.is_composite(number) is False


def test_products_of_two_primes_are_composite() -> None:
    """No small factor gives them away."""
    chance = random.Random(7)
    large = (2**521 - 1, 2**607 - 1, 2**1023 + 1155, 2**1024 - 105)
    for _ in range(5):
        one, two = chance.sample(large, 2)
        assert primes.is_composite(one * two) is True


def test_a_number_too_long_to_work_on_is_not_settled() -> None:
    """64 KB of number cost no time; where a small factor shows, it is told."""
    assert primes.is_composite((1 << 524_287) + 1) in {None, True}
    assert primes.is_composite(2**9689 - 1) is None
    assert primes.is_composite(3 * (2**9689 - 1)) is True
