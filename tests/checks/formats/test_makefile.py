"""Makefiles give their variables and their recipes."""

from __future__ import annotations

import random
import time
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import makefile
from checks.model import Role
from checks.secrets import commands

VALUE = f"Kx{random.Random(3).randrange(10**9)}+z"


def variables(text: str) -> list[tuple[str, str, int]]:
    return [(e.keys[0], e.value, e.line) for e in makefile.parse(text) if e.role is Role.NAMED]


@pytest.mark.parametrize(
    "line",
    [
        f"DB_PASSWORD = {VALUE}",
        f"DB_PASSWORD:={VALUE}",
        f"DB_PASSWORD ?= {VALUE} # set in CI",
        f"export DB_PASSWORD ::= {VALUE}",
        f"run test: DB_PASSWORD = {VALUE}",
        f"override DB_PASSWORD = \\\n  {VALUE}",
    ],
)
def test_a_variable_is_read_however_it_is_assigned(line: str) -> None:
    """The name, the value and the line are those of the assignment."""
    assert variables(f"# x\n{line}\n") == [("DB_PASSWORD", VALUE, 2)]


def test_a_recipe_is_a_command_line() -> None:
    """Its prefix and the doubled dollar sign are undone, and only its own lines are commands."""
    text = f"all: dep\n\t@-mysql -u x -p{VALUE} x\n\t@echo $$HOME\n\t# a comment\n"
    found = list(makefile.parse(text))
    assert [(e.line, e.role) for e in found] == [(2, Role.COMMAND), (3, Role.COMMAND)]
    assert [e.value for e in commands.credentials(found[0].value, 2)] == [VALUE]
    assert found[1].value == "echo $HOME"


@pytest.mark.parametrize(
    "text",
    ["all: a b", "ifeq ($(A),b)", "# PASSWORD = x", "PASSWORD =", "include x.mk", "\t@", ""],
)
def test_what_sets_nothing_gives_nothing(text: str) -> None:
    """Rules, conditions, comments and empty variables."""
    assert variables(text) == []


@pytest.mark.parametrize("name", ["makefile", "gnumakefile", "makefile.inc", "rules.mk"])
def test_makefiles_are_known_by_name(name: str) -> None:
    """In lower case, as all names are compared."""
    assert any(fnmatch(name, glob) for glob in makefile.NAMES)
    assert not any(fnmatch("make.sh", glob) for glob in makefile.NAMES)


@given(st.text("AB =:?+!\t\n#$\\x", max_size=80))
def test_any_text_is_read(text: str) -> None:
    """No text fails, and no line is named that is not there."""
    assert all(1 <= e.line <= text.count("\n") + 1 for e in makefile.parse(text))


@pytest.mark.parametrize("piece", ["a ", "a:", "export ", "a: ", "a=\\\n", "\t\\\n"])
def test_a_hostile_text_costs_time_in_proportion(piece: str) -> None:
    """Nothing is read again and again."""
    start = time.process_time()
    assert len(list(makefile.parse(piece * 100_000))) <= 200_000
    assert time.process_time() - start < 4
