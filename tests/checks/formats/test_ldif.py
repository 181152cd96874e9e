"""Credentials planted in LDIF are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import ldif
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "a.ldif",
        "dn: cn=a\nuserPassword: @@\n",
        "raw",
        ("cn=a", "userPassword"),
        Role.SECRET,
        "cn=a",
    ),
    (
        "a.ldif",
        'dn: cn=a\nolcSyncrepl: rid=1 binddn="cn=x" credentials=@@\n',
        "double",
        ("cn=a", "olcSyncrepl", "credentials"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(ldif, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(ldif, template, "# ") == []


def test_base64_and_folded_lines_are_undone() -> None:
    """Two colons mean base64, a blank at the start continues the line above."""
    text = "dn: cn=a\nuserPassword:: e1NTSE\n F9YWJj\n"
    [entry] = ldif.parse(text)
    assert (entry.value, entry.line, entry.role) == ("{SSHA}abc", 2, Role.HASH)


def test_a_url_gives_nothing() -> None:
    """A value that stands in a file is not in this one."""
    assert list(ldif.parse("dn: cn=a\nuserPassword:< file:///x\n")) == []
