"""Credentials planted in lists of virtual FTP users are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import linepairs
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("vsftpd/users.txt", "bob\n@@\n", "raw", ("password",), Role.SECRET, "bob"),
    ("etc/vsftpd/vusers.txt", "\nanna\n@@\n\n", "raw", ("password",), Role.SECRET, "anna"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(linepairs, row) == []


def test_every_pair_is_read() -> None:
    """The second line of each pair is the password of the first."""
    found = list(linepairs.parse("a\nx1\nb\ny2\n"))
    assert [(e.subject, e.value, e.line) for e in found] == [("a", "x1", 2), ("b", "y2", 4)]


@pytest.mark.parametrize(
    "text", ["", "bob\n", "bob\nx1\nanna\n", "bob\nanna\n", "# a\nx1\n", "a=b\nx1\n"]
)
def test_any_other_text_is_refused(text: str) -> None:
    """A list of users, settings and an odd line are no such file."""
    with pytest.raises(FormatError):
        list(linepairs.parse(text))
