"""Credentials planted in Postfix are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import postfix
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "main.cf",
        "a = b\n  c\nsmtp_sasl_password_maps = static:u:@@\n",
        "static",
        ("smtp_sasl_password_maps",),
        Role.SECRET,
        "u",
    ),
    ("mysql-virtual.cf", "user = u\npassword = @@\n", "raw", ("password",), Role.NAMED, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(postfix, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(postfix, template, "# ") == []


def test_options_of_a_service_are_given_under_it() -> None:
    """master.cf overrides settings with -o name=value in folded lines."""
    [entry] = postfix.parse("smtp inet n - - - - smtpd\n  -o x_password=abc\n")
    assert (entry.keys, entry.value) == (("smtp", "x_password"), "abc")
