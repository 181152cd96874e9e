"""Credentials planted in the users of Deluge are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import deluge
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("deluge/auth", "# a\nbob:@@:10\n", "bare", ("bob",), Role.SECRET, "bob"),
    (".config/deluge/auth", "a b:x:1\nanna:@@:ADMIN\n", "hex", ("anna",), Role.SECRET, "anna"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(deluge, row) == []


def test_a_line_without_a_level_has_none() -> None:
    """A line of two parts, a comment and one without a user are no users."""
    assert not list(deluge.parse("bob:k7Q2\n# bob:k7Q2:10\n:k7Q2:10\n"))
