"""Credentials planted in credential files of two lines are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import twolines
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("openvpn/auth.txt", "bob\n@@\n", "raw", ("password",), Role.SECRET, "bob"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(twolines, row) == []


@pytest.mark.parametrize("text", ["bob\n", "a\nb\nc\n", "a=b\nc\n", "# a\nb\n", "{\n}\n"])
def test_any_other_text_is_refused(text: str) -> None:
    """One line, three lines and settings are no such file."""
    with pytest.raises(FormatError):
        list(twolines.parse(text))
