"""Credentials planted in files that are one secret are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import secretfile
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (".erlang.cookie", "@@", "raw", ("secret",), Role.SECRET, ""),
    (".vault_pass.txt", "# c\n@@\n", "raw", ("secret",), Role.SECRET, ""),
    ("etc/gitlab/ldap.secret", "Password: @@\n", "raw", ("secret",), Role.SECRET, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(secretfile, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(secretfile, template, "# ") == []


def test_several_lines_are_refused() -> None:
    """A longer text is no secret as a whole."""
    with pytest.raises(FormatError):
        list(secretfile.parse("a\nb\n"))
