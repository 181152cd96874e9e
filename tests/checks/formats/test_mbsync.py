"""Credentials planted in the settings of mbsync are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import mbsync
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (".mbsyncrc", "IMAPAccount a\nUser bob\nPass @@\n", "hex", ("Pass",), Role.SECRET, "bob"),
    (".mbsyncrc", 'Pass "@@"\n', "hex", ("Pass",), Role.SECRET),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(mbsync, row) == []


def test_a_command_is_none() -> None:
    """A password that a command prints is not in the file, one beside it is."""
    found = list(mbsync.parse('PassCmd "pass show x"\nAuthMechs LOGIN\nPass k7\n'))
    assert [e.role for e in found] == [Role.COMMAND, Role.NAMED, Role.SECRET]
