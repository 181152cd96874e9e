"""Credentials planted in PAM are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import pam

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/pam.d/common-auth",
        "auth required pam_mysql.so user=u passwd=@@ db=d\n",
        "tight-dq",
        ("pam_mysql.so", "passwd"),
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(pam, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(pam, template, "# ") == []


def test_the_words_of_the_stack_give_nothing() -> None:
    """`password required` is a rule, not a credential."""
    assert list(pam.parse("password required pam_unix.so sha512 shadow nullok\n")) == []


def test_a_bracketed_argument_may_hold_blanks() -> None:
    """Square brackets join words, and a closing one is escaped."""
    [entry] = pam.parse("auth required pam_mysql.so [passwd=a b\\]c]\n")
    assert (entry.keys, entry.value) == (("pam_mysql.so", "passwd"), "a b]c")
