"""Batch files of Windows give what they set and their command lines."""

from __future__ import annotations

import random

from checks.formats import batch
from checks.model import Role
from checks.secrets import commands

VALUE = f"Kx{random.Random(1).randrange(10**9)}+z"


def test_settings_and_commands_are_told_apart() -> None:
    """`set` gives a named value, with or without quotes around the pair; the rest is a command."""
    text = (
        f'@echo off\r\nset DB_PASSWORD={VALUE}\r\n@SET "A_PASSWORD={VALUE}"\r\nset /p X=Name?\r\n'
    )
    found = list(batch.parse(text))
    assert [(e.keys[0], e.value, e.line) for e in found if e.role is Role.NAMED] == [
        ("DB_PASSWORD", VALUE, 2),
        ("A_PASSWORD", VALUE, 3),
    ]
    assert [e.line for e in found if e.role is Role.COMMAND] == [1, 4]


def test_paths_keep_their_backslashes_and_variables_are_references() -> None:
    """So that the grammar of a command finds its arguments."""
    entry = next(batch.parse(f"net use Z: \\\\srv\\share {VALUE} /user:CORP\\bob"))
    found = list(commands.credentials(entry.value, 1))
    assert [(e.value, e.role) for e in found] == [(VALUE, Role.SECRET)]
    entry = next(batch.parse("net use Z: \\\\srv\\share %PW% /user:CORP\\bob"))
    assert [e.value for e in commands.credentials(entry.value, 1)] == ["${reference}"]


def test_comments_give_nothing() -> None:
    """Of both kinds."""
    assert list(batch.parse(f"rem set PASSWORD={VALUE}\n:: set PASSWORD={VALUE}\n\n")) == []
