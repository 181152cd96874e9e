"""Credentials planted in Asterisk are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import asterisk
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("asterisk/sip.conf", "[100](t)\nsecret=@@\n", "tight", ("100", "secret"), Role.SECRET, "100"),
    (
        "asterisk/manager.conf",
        "[admin]\nsecret = @@\n",
        "tight",
        ("admin", "secret"),
        Role.SECRET,
        "admin",
    ),
    (
        "sip.conf",
        "[general]\nregister => u:@@@h/1\n",
        "word-noat",
        ("general", "register"),
        Role.SECRET,
        "u",
    ),
    (
        "voicemail.conf",
        "[default]\n1000 => @@,Name,a@b\n",
        "hex",
        ("default", "1000"),
        Role.SECRET,
        "1000",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(asterisk, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(asterisk, template, "; ") == []
