"""Credentials planted in the password file of PostgreSQL are read back to the letter, with keys, line and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import pgpass
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable

PLANTED = [
    (".pgpass", "h:5432:db:u:@@\n", "pgpass", ("h", "5432", "db", "password"), Role.SECRET, "u"),
    (
        "pgpass.conf",
        "# c\n*:*:*:u\\:v:@@\n",
        "pgpass",
        ("*", "*", "*", "password"),
        Role.SECRET,
        "u:v",
    ),
]


@pytest.mark.parametrize(("name", "template", "notation", "keys", "role", "subject"), PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    expect: Callable[..., None], name: str, template: str, notation: str, keys: tuple[str, ...], role: Role, subject: str
) -> None:  # fmt: skip
    """Every credential comes out once, exact, under its keys and at its line."""
    expect(pgpass, name, template, notation, keys, role, subject)


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    silent: Callable[..., None], template: str
) -> None:
    """No comment is taken for a setting."""
    silent(pgpass, template, "# ")
