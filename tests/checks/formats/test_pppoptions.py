"""Passwords of PPP peers are read with their users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import pppoptions
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/ppp/peers/isp", 'user "ada"\npassword @@\n', "word", ("password",), Role.SECRET, "ada"),
    (
        "etc/ppp/options.l2tp",
        "name ada\npassword @@\n",
        "double",
        ("password",),
        Role.SECRET,
        "ada",
    ),
    ("etc/chatscripts/isp", "ogin: ada assword: \\q@@\n", "word", ("send",), Role.SECRET, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    expect: Callable[[ModuleType, Sequence[object]], None], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    expect(pppoptions, row)


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    silent: Callable[[ModuleType, str, str], None], template: str
) -> None:
    """No comment is taken for a setting."""
    silent(pppoptions, template, "# ")


def test_hiding_the_password_in_logs_is_no_password() -> None:
    """An option whose name only contains the word gives nothing."""
    assert list(pppoptions.parse("hide-password\nnoauth\nrequire-chap\n")) == []
