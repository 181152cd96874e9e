"""Which values may be found by guessing: those that people make, and those that are short."""

from __future__ import annotations

import random
import string
import uuid

import pytest

from checks.guessable import is_guessable

RNG = random.Random(7)
EVERYTHING = string.ascii_letters + string.digits + "!#$%&*+-_.:"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "changeme",
        "Summer2026!Prod",
        "P@ssw0rd123456",
        "correct-horse-battery-staple",
        "admin1234567890123",
        "12345678901234567890123456789012",
        "a" * 200 + "1!",
        "abababababababababababababababab",
        "x7!Q",
    ],
)
def test_what_people_choose_may_be_guessed(value: str) -> None:
    """However long: words, years, numbers, what repeats itself."""
    assert is_guessable(value)


@pytest.mark.parametrize(
    ("alphabet", "length"), [("0123456789abcdef", 32), (string.ascii_letters, 30), (EVERYTHING, 24)]
)
def test_what_machines_make_may_not(alphabet: str, length: int) -> None:
    """Of a thousand tokens of the usual kinds at most one in a hundred is left out."""
    made = ("".join(RNG.choices(alphabet, k=length)) for _ in range(1000))
    assert sum(map(is_guessable, made)) <= 10
    assert not is_guessable(str(uuid.UUID(int=RNG.getrandbits(128), version=4)))


def test_ten_random_characters_are_too_few() -> None:
    """What a short value could be told by is not shown, though a machine made it."""
    made = ("".join(RNG.choices(EVERYTHING, k=10)) for _ in range(1000))
    assert all(map(is_guessable, made))
