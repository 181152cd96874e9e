"""Credentials planted in the users file are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import radius
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/raddb/users",
        'bob Cleartext-Password := @@\n  Reply-Message = "x"\n',
        "double",
        ("bob", "Cleartext-Password"),
        Role.SECRET,
        "bob",
    ),
    (
        "freeradius/3.0/users",
        "a Auth-Type := x, User-Password == @@\n",
        "plain-double",
        ("a", "User-Password"),
        Role.SECRET,
        "a",
    ),
    (
        "mods-config/files/authorize",
        '"john doe" NT-Password := @@\n',
        "hex",
        ("john doe", "NT-Password"),
        Role.HASH,
        "john doe",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(radius, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(radius, template, "# ") == []


def test_other_items_are_ordinary_values() -> None:
    """Only the password items are credentials by definition."""
    entries = list(radius.parse('bob User-Password == "x", Service-Type == Login\n\tMsg = "y"\n'))
    assert [entry.role for entry in entries] == [Role.SECRET, Role.NAMED, Role.NAMED]
