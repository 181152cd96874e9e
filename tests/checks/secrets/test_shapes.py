"""The form of a value says whether somebody chose it, or shows how one could look."""

from __future__ import annotations

import pytest

from checks.secrets import shapes
from checks.secrets.templates import render


@pytest.mark.parametrize("seed", range(20))
def test_a_mixed_value_is_no_example(seed: int) -> None:
    """One that counts up, that refers to another or that lacks digits, signs or length may be."""
    value = "k9Q!" + render("{{alnum 12}}", f"a mixed value {seed}")
    assert shapes.is_no_example(value)
    assert shapes.is_no_example(value[:8])
    assert not shapes.is_no_example(value[:7])
    for other in (f"abcde{value}", f"{value}12345", f"${{{value}}}", "lantern-pepper", "lantern77"):
        assert not shapes.is_no_example(other)
    letters = render("{{alpha 64}}", f"letters {seed}")
    assert shapes.is_no_example(letters)
    assert not shapes.is_no_example(letters[:12])


def test_the_form_of_an_application_password_stands_for_signs() -> None:
    """Letters of another form have no sign."""
    assert shapes.has_sign_or_digit("kqzt wmrb hxpd jvlc")
    for other in ("kqzt wmrb hxpd", "kqztwmrbhxpdjvlc", "kqzt Wmrb hxpd jvlc"):
        assert not shapes.has_sign_or_digit(other)


def test_a_piece_over_and_over_repeats() -> None:
    """A piece and a rest do not."""
    assert shapes.repeats("lantern" * 3)
    assert not shapes.repeats("lantern" * 2 + "lan")
