"""Credentials planted in the logins of RANCID are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import cloginrc
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        ".cloginrc",
        "add user * {r}\nadd password 10.* {@@} {}\n",
        "hex",
        ("password",),
        Role.SECRET,
        "10.*",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(cloginrc, row) == []


def test_other_settings_are_no_passwords() -> None:
    """Both passwords of a device are told; users, methods and comments are not."""
    text = "add user * {bob}\nadd method * ssh\n#add password * k7\nadd password {a b} {x1} y2\n"
    found = [(e.value, e.subject) for e in cloginrc.parse(text)]
    assert found == [("x1", "a b"), ("y2", "a b")]
