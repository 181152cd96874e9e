"""Settings of Mutt are read, commands as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import mutt
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("home/a/.muttrc", "set imap_pass=@@\n", "word", ("imap_pass",), Role.NAMED, ""),
    (
        "home/a/.muttrc",
        "set imap_user=a imap_pass = @@\n",
        "double",
        ("imap_pass",),
        Role.NAMED,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(mutt, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(mutt, template, "# ") == []


@pytest.mark.parametrize("value", ["`pass show a`", '"`pass show a`"'])
def test_what_a_command_prints_is_a_command(value: str) -> None:
    """Back-ticks run a program, within quotes too."""
    entries = list(mutt.parse(f"set imap_pass={value}\n"))
    assert [(entry.role, entry.value) for entry in entries] == [(Role.COMMAND, "pass show a")]
