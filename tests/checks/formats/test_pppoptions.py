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
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(pppoptions, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(pppoptions, template, "# ") == []


def test_hiding_the_password_in_logs_is_no_password() -> None:
    """An option whose name only contains the word gives nothing."""
    assert list(pppoptions.parse("hide-password\nnoauth\nrequire-chap\n")) == []
