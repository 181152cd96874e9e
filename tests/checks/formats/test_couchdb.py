"""Credentials planted in the settings of CouchDB are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import couchdb
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("couchdb/local.ini", "[admins]\nroot = @@\n", "hex", ("admins", "root"), Role.SECRET, "root"),
    ("couchdb/local.d/a.ini", "[a]\nb = @@\n", "hex", ("a", "b")),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(couchdb, row) == []


def test_what_the_server_hashed_is_left_out() -> None:
    """A password that was hashed at the start of the server is none, any other one is."""
    text = "[admins]\na = -pbkdf2-0a0b,1c,10\nb = k7Q2\n"
    assert [(e.subject, e.value) for e in couchdb.parse(text)] == [("b", "k7Q2")]
