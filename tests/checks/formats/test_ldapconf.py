"""Credentials planted in LDAP clients and slapd are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import ldapconf
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("ldap.conf", "binddn cn=a\nbindpw @@\n", "raw", ("bindpw",), Role.SECRET, "cn=a"),
    ("slapd.conf", 'rootdn "cn=m"\nrootpw @@\n', "double", ("rootpw",), Role.SECRET, "cn=m"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(ldapconf, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(ldapconf, template, "# ") == []


def test_a_stored_root_password_is_a_hash() -> None:
    """A scheme in braces tells it from clear text."""
    [entry] = ldapconf.parse("rootpw {SSHA}abcd\n")
    assert entry.role is Role.HASH


def test_credentials_of_replication_are_found_in_folded_lines() -> None:
    """Lines that begin with white space belong to the directive above."""
    text = 'syncrepl rid=1\n  binddn="cn=r"\n  credentials="a b"\n'
    found = [entry for entry in ldapconf.parse(text) if entry.role is Role.SECRET]
    assert [(entry.value, entry.subject) for entry in found] == [("a b", "cn=r")]


def test_a_continued_directive_gives_the_line_of_each_name() -> None:
    """Credentials of syncrepl stand on a line of their own, comments between count."""
    text = "syncrepl rid=1\n  binddn=cn=a\n# c\n  credentials=@@9\nrootdn cn=b\n"
    found = [entry for entry in ldapconf.parse(text) if entry.role is Role.SECRET]
    assert [(entry.line, entry.subject) for entry in found] == [(4, "cn=a")]
