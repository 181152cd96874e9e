"""Well-known and trivial passwords are told from chosen ones."""

from __future__ import annotations

import random
import string

import pytest

from checks.secrets.weak import is_weak

WEAK = """changeme ChangeMe changeme123 password Password1 P@ssw0rd admin admin123! letmein qwerty
    123456 12345678 welcome1 hunter2 root toor test secret minioadmin aaaaaaaa 11111111 abcdefgh
    87654321 zyxwvut abc a 0 12345 abcdef secret! root-123 admin-2024""".split()


@pytest.mark.parametrize("value", WEAK)
def test_what_everybody_tries_first_is_weak(value: str) -> None:
    """Common words with digits or a mark behind them, runs, repeats and very short values."""
    assert is_weak(value)


def test_the_name_of_the_product_is_weak_beside_it() -> None:
    """A value that is the user, the product or the folder is its usual default."""
    assert is_weak("frobnicator", "/etc/frobnicator/server.conf")
    assert is_weak("Frobnicator1", "user frobnicator")
    assert not is_weak("frobnicator", "/etc/other/server.conf")


@pytest.mark.parametrize("length", [8, 12, 20])
def test_random_passwords_are_not_weak(length: int) -> None:
    """No drawn password is taken for a default, whatever stands around it."""
    rng = random.Random(length)
    alphabet = string.ascii_letters + string.digits + string.punctuation
    around = "/etc/postgresql/main.conf root admin database"
    drawn = ["".join(rng.choices(alphabet, k=length)) for _ in range(5000)]
    assert [value for value in drawn if is_weak(value, around)] == []


def test_words_joined_to_a_phrase_are_not_weak() -> None:
    """A phrase is not in the list because its words are."""
    assert not is_weak("correct-horse-battery-staple")
    assert not is_weak("PasswordOfKraken91")


def test_a_hyphen_at_the_end_is_chosen() -> None:
    """Between a word and its digits it only joins them."""
    assert is_weak("Dragon-2020")
    assert not is_weak("Dragon2020-")
