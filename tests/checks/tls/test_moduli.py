"""Moduli that give their factors away, and sound ones that do not."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from checks.tls import moduli

if TYPE_CHECKING:
    from tests.checks.tls.conftest import Maker

_CHANCE = random.Random(2017)


def _is_prime(number: int) -> bool:
    """Fermat's test to a few bases, good enough for numbers drawn here."""
    return number > 1 and all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7))


def _roca_prime() -> int:
    """Make a prime as the faulty chips did: k * M + 65537 ** a mod M."""
    product = math.prod(p for p in range(2, 168) if all(p % d for d in range(2, p)))
    while True:
        power = pow(65537, _CHANCE.getrandbits(64), product)
        number = _CHANCE.getrandbits(37) * product + power
        if _is_prime(number):
            return number


def _prime_above(number: int) -> int:
    number |= 1
    while not _is_prime(number):
        number += 2
    return number


def test_sound_moduli_have_no_weakness(maker: Maker) -> None:
    """What the library generates today is sound."""
    for key in (maker.rsa_key(), maker.rsa_key(1), maker.rsa_key(bits=1024)):
        assert moduli.weakness(key.public_key().public_numbers().n) == ""


def test_a_roca_modulus_is_known_by_its_shape() -> None:
    """A product of two primes of the faulty chips is recognised without factoring it."""
    assert "ROCA" in moduli.weakness(_roca_prime() * _roca_prime())
    assert moduli.weakness(_roca_prime() * _prime_above(_CHANCE.getrandbits(256))) == ""


@pytest.mark.parametrize("factor", [2, 3, 5, 743, 751])
def test_small_factors_are_found(factor: int) -> None:
    """Any prime under 752 in a modulus is found."""
    prime = _prime_above(_CHANCE.getrandbits(512) | 1 << 511)
    assert moduli.weakness(prime * _prime_above(1 << 511)) == ""
    assert "small factor" in moduli.weakness(prime * factor)


def test_close_primes_are_found() -> None:
    """Two primes next to each other are found, and so is a square; distant ones are not."""
    first = _prime_above(_CHANCE.getrandbits(512) | 3 << 510)
    second = _prime_above(first + 2)
    assert "close" in moduli.weakness(first * second)
    assert "close" in moduli.weakness(first * first)
    assert moduli.weakness(first * _prime_above(first + (1 << 400))) == ""


def test_numbers_that_are_no_modulus_are_left_alone() -> None:
    """Numbers far too small or too big cost nothing and say nothing."""
    assert moduli.weakness(0) == ""
    assert moduli.weakness(15) == ""
    assert moduli.weakness(3 << 1_000_000) == ""


def test_shared_primes_are_found_in_pairs() -> None:
    """Different moduli with a common prime are paired; equal moduli are one key."""
    one, two, three = (_prime_above(_CHANCE.getrandbits(256) | 1 << 255) for _ in range(3))
    assert list(moduli.shared([one * two, two * three])) == [(one * two, two * three)]
    assert list(moduli.shared([one * two, one * two])) == []
    assert list(moduli.shared([one * two, three * _prime_above(1 << 256), 0])) == []
