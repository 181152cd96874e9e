"""Settings of PostgreSQL are read, commands as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import postgresql
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "var/lib/postgresql/15/main/postgresql.auto.conf",
        "ssl_passphrase_command = 'echo \"@@\"'\n",
        "word",
        ("ssl_passphrase_command",),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(postgresql, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(postgresql, template, "# ") == []


def test_a_program_that_asks_elsewhere_is_a_command() -> None:
    """Only a passphrase that stands in the line is one."""
    entries = list(postgresql.parse("ssl_passphrase_command = '/usr/lib/ask %p'\nport 5432\n"))
    assert [entry.role for entry in entries] == [Role.COMMAND, Role.NAMED]
