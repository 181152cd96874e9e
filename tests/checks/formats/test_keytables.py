"""Credentials planted in tables of a name and a key are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import keytables
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/chrony.keys", "1 SHA1 @@\n", "tight", ("1", "key"), Role.SECRET, ""),
    ("ntp.keys", "# c\n10 M @@ # x\n", "tight", ("10", "key"), Role.SECRET, ""),
    (
        "etc/hostapd.wpa_psk",
        "00:11:22:33:44:55 @@\n",
        "raw",
        ("00:11:22:33:44:55", "psk"),
        Role.SECRET,
        "",
    ),
    (
        "etc/davfs2/secrets",
        "https://h/d u @@\n",
        "double",
        ("https://h/d", "key"),
        Role.SECRET,
        "u",
    ),
    ("raddb/server", "h:1812 @@ 3\n", "tight", ("h:1812", "key"), Role.SECRET, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(keytables, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(keytables, template, "# ") == []
