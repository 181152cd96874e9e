"""Words drawn at random are a passphrase; words that say something are a label."""

from __future__ import annotations

import random

import pytest

from checks.secrets.notsecret import why_not
from checks.secrets.phrases import is_of_application, is_passphrase

WORDS = (
    "copper lantern river falcon winter marble harbor pepper castle orchid thunder velvet".split()
)


def drawn(seed: int, count: int) -> str:
    """Draw words as a generator of passphrases does."""
    return " ".join(random.Random(seed).sample(WORDS, count))


@pytest.mark.parametrize("count", [3, 4, 6])
def test_drawn_words_are_a_passphrase(count: int) -> None:
    """Three words or more may be a secret."""
    for seed in range(20):
        assert is_passphrase(drawn(seed, count))
        assert not why_not(drawn(seed, count))


@pytest.mark.parametrize(
    "text",
    [
        "enter your password",
        "the river runs",
        "Copper lantern river",
        "copper lantern river.",
        "reset root login",
        "managed by vault",
        "mot de passe",
        "nytt valgfritt passord",
        "set during first boot",
    ],
)
def test_a_label_is_none(text: str) -> None:
    """A word of grammar or of what is labelled, a capital or a full stop tells a sentence."""
    assert not is_passphrase(text)
    assert why_not(text) in {"label", "placeholder"}


def test_two_words_are_too_few() -> None:
    """Two words stand in too many labels."""
    assert not is_passphrase(drawn(1, 2))
    assert why_not(drawn(1, 2)) == "label"


@pytest.mark.parametrize("value", ["!", "!!", "!*", "*LK*", "*NP*"])
def test_a_locked_account_has_no_password(value: str) -> None:
    """The marks of a locked account are no secret even where one must stand; others may be."""
    assert why_not(value, strict=True) == "locked"
    assert not why_not(f"{value}k7Q2", strict=True)


def test_the_password_of_an_application_is_known_by_its_form() -> None:
    """Four words of four letters are one, as long as none is of a label."""
    value = " ".join(random.Random(6).sample(["kqzt", "wmrb", "hxpd", "jvlc", "nsgf"], 4))
    assert is_of_application(value)
    for other in (value[:-1], value.title(), f"{value} abcd", f"your {value[5:]}", value + "\n"):
        assert not is_of_application(other)
