"""Credentials planted in files of variables are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import env
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (".env", "A=1\nDB_PASSWORD=@@\n", "raw", ("DB_PASSWORD",)),
    ("app.env", "export DB_PASSWORD=@@ # old\n", "double", ("DB_PASSWORD",)),
    (".env.production", "DB_PASSWORD=@@\nB=2\n", "single", ("DB_PASSWORD",)),
    ("etc/default/app", "X=1\n  DB_PASSWORD = @@\n", "double", ("DB_PASSWORD",)),
    ("etc/sysconfig/app", 'Y="a\nb"\nDB_PASSWORD=@@\n', "double", ("DB_PASSWORD",)),
    ("etc/environment", "DB_PASSWORD=@@", "raw", ("DB_PASSWORD",)),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(env, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(env, template, "# ") == []


def test_a_quoted_value_may_run_over_lines() -> None:
    """The value goes to the closing quote, and lines are counted on."""
    entries = list(env.parse('A="x\ny"\nB=1\n'))
    assert [(entry.keys, entry.value, entry.line) for entry in entries] == [
        (("A",), "x\ny", 1),
        (("B",), "1", 3),
    ]


def test_a_quote_that_is_never_closed_belongs_to_its_line() -> None:
    """A stray quote swallows nothing of what follows."""
    entries = list(env.parse("A=\"x\nB='y\nC=z\n"))
    assert [entry.value for entry in entries] == ['"x', "'y", "z"]


def test_arguments_of_a_daemon_are_a_command_line() -> None:
    """Options are told apart from ordinary values by the name and a dash."""
    entries = list(env.parse('DAEMON_OPTS="--requirepass x"\nDAEMON=a-b\n'))
    assert [entry.role for entry in entries] == [Role.COMMAND, Role.NAMED]


def test_a_script_is_refused_behind_its_variables() -> None:
    """What was read before the error is kept, and the error says where prose begins."""
    found = []
    with pytest.raises(FormatError) as refused:
        found.extend(entry.keys for entry in env.parse("A=1\nif x\nthen\ny\nz\nfi\n"))
    assert found == [("A",)]
    assert refused.value.line == 2
