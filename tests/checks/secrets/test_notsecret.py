"""What stands where a secret could is told from one."""

from __future__ import annotations

import pytest

from checks.secrets.notsecret import why_not


def test_an_article_in_front_of_random_characters_is_no_placeholder() -> None:
    """`a_` may begin a password."""
    assert not why_not("a_Vo7O4" + "5v!Weup", strict=True)


@pytest.mark.parametrize("value", ["my_password", "a-long-secret", "your-256-bit-secret"])
def test_words_that_tell_what_to_put_are_a_placeholder(value: str) -> None:
    """Words behind an article or a possessive are meant to be replaced."""
    assert why_not(value, strict=True) == "placeholder"
