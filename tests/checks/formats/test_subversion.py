"""Credentials planted in stored credentials of Subversion are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import subversion
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("svn/conf/passwd", "[users]\nharry = @@\n", "raw", ("users", "harry"), Role.SECRET, "harry"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(subversion, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(subversion, template, "# ") == []


def _stored(fields: dict[str, str]) -> str:
    parts = [f"K {len(k)}\n{k}\nV {len(v)}\n{v}\n" for k, v in fields.items()]
    return "".join(parts) + "END\n"


def test_the_auth_area_gives_its_password() -> None:
    """The value of the serialised hash comes out by its length, with realm and user."""
    fields = {"password": "a\nb: c", "svn:realmstring": "<r>", "username": "u"}
    found = [entry for entry in subversion.parse(_stored(fields)) if entry.role is Role.SECRET]
    [entry] = found
    assert (entry.keys, entry.value, entry.line) == (("<r>", "password"), "a\nb: c", 4)
    assert entry.subject == "u"


def test_a_damaged_hash_is_refused() -> None:
    """A length that is missing ends the reading."""
    with pytest.raises(FormatError):
        list(subversion.parse("K 1\na\nno length\n"))
