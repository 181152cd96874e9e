"""Scripts and histories give their settings, command lines and here-documents."""

from __future__ import annotations

import shlex
import time
from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats import shell
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType
    from typing import Protocol

    class Planted(Protocol):
        """A value and the entries that reading a text with it gave."""

        value: str
        entries: list[Entry]


PLANTED = [
    ("a.sh", "#!/bin/sh\nA=1\nDB_PASSWORD=@@\n", "shell"),
    ("a.bash", "#!/bin/bash\nexport A=1 DB_PASSWORD=@@ B='x y'\n", "shell"),
    (".bashrc", "if x; then\n  declare -x DB_PASSWORD=@@\nfi\n", "shell"),
    (".profile", "f() {\n  local DB_PASSWORD=@@\n}\n", "shell"),
    (".cshrc", "setenv DB_PASSWORD @@\n", "shell"),
    ("config.fish", "set -gx DB_PASSWORD @@\n", "shell"),
    ("etc/init.d/app", "#!/bin/sh\nX='a\nb' DB_PASSWORD=@@\n", "shell"),
    ("root/.bash_history", "ls\nexport DB_PASSWORD=@@\necho don't\n", "shell"),
    (".zsh_history", ": 1700000000:0;echo it's\n: 1700000001:0;DB_PASSWORD=@@\n", "shell"),
    ("x.sh", "#!/bin/sh\ncat >f <<'EOF'\nuser = x\nDB_PASSWORD = @@\nEOF\n", "tight"),
]


@pytest.mark.parametrize(("name", "template", "notation"), PLANTED)
def test_a_planted_setting_is_read_to_the_letter(
    plant: Callable[[ModuleType, str, str], Iterator[Planted]],
    name: str,
    template: str,
    notation: str,
) -> None:
    """Assignments in every form, and the lines of here-documents."""
    assert any(fnmatch("/" + name, "*/" + glob) for glob in shell.NAMES)
    line = template.partition("@@")[0].count("\n") + 1
    for planted in plant(shell, template, notation):
        found = [e for e in planted.entries if e.keys == ("DB_PASSWORD",)]
        assert [(e.value, e.line, e.role) for e in found] == [(planted.value, line, Role.NAMED)]


def commands(text: str) -> list[tuple[str, int]]:
    return [(e.value, e.line) for e in shell.parse(text) if e.role is Role.COMMAND]


def test_a_command_line_comes_whole_with_its_first_line() -> None:
    """Continuations, quoted line ends, pipes and here-documents belong to it."""
    text = "#!/bin/sh\n\nfoo \\\n  -p x |\\\n bar\n# c\nbaz 'a\nb'\nq <<E\nz\nE\n"
    assert commands(text) == [
        ("foo \\\n  -p x |\\\n bar", 3),
        ("baz 'a\nb'", 7),
        ("q <<E\nz\nE", 9),
    ]


def test_a_setting_in_front_of_a_command_belongs_to_it() -> None:
    """So does a setting that is the output of a command."""
    for line in ("A=1 foo", "A=$(foo -p x)", "A=1; foo"):
        assert commands(f"#!/bin/sh\n{line}\n") == [(line, 2)]
        assert [e for e in shell.parse(f"#!/bin/sh\n{line}\n") if e.role is Role.NAMED] == []


def test_a_history_is_read_line_by_line() -> None:
    """A stray quote swallows nothing, stamps are taken off, continued lines are joined."""
    text = ": 1700000000:0;echo don't\nfoo -p 'x\n- cmd: bar \\\n baz\n#1700000000\nls\n"
    assert commands(text) == [("echo don't", 1), ("foo -p 'x", 2), ("bar \\\n baz", 3), ("ls", 6)]


def test_defaults_of_references_are_read() -> None:
    """Under the name that the reference asks for."""
    entries = [
        e
        for e in shell.parse("#!/bin/sh\n: ${A:-x}\nb ${PW:='y z'} ${C}\n")
        if e.keys != ("command",)
    ]
    assert [(e.keys, e.value, e.line) for e in entries] == [(("A",), "x", 2), (("PW",), "y z", 3)]


@pytest.mark.parametrize("head", ["#!/bin/bash\n", "#!/usr/bin/env bash\n", "#! /bin/sh -e\n"])
def test_scripts_are_recognised_by_their_interpreter(head: str) -> None:
    """Whatever the file is called."""
    assert shell.sniff(head)
    assert not shell.sniff("#!/usr/bin/python3\n")
    assert not shell.sniff("text\n#!/bin/sh\n")


@pytest.mark.parametrize("text", ["", "# A=1\n", "\n\n", "#!/bin/sh\n# export PASSWORD=x\n"])
def test_comments_give_nothing(text: str) -> None:
    """Neither do empty files."""
    assert list(shell.parse(text)) == []


@given(st.lists(st.text(max_size=12).filter(lambda text: "\x00" not in text), max_size=4))
def test_settings_quoted_for_a_shell_come_back(values: list[str]) -> None:
    """Any text survives quoting."""
    rows = [f"V{i}={shlex.quote(value)}" for i, value in enumerate(values)]
    entries = list(shell.parse("#!/bin/sh\n" + "\n".join(rows) + "\n"))
    assert [entry.value for entry in entries] == values


@given(st.text("aA=1 '\"$(){}<E\n#\\;|`:-", max_size=150), st.sampled_from(["", "#!/bin/sh\n"]))
def test_any_text_is_read(text: str, head: str) -> None:
    """Nothing raises, and lines stay within the text."""
    whole = head + text
    entries: list[Entry] = list(shell.parse(whole))
    assert all(1 <= e.line <= whole.count("\n") + 1 for e in entries)


@pytest.mark.parametrize("head", ["", "#!/bin/sh\n"])
@pytest.mark.parametrize(
    "piece",
    ["A=b\n", "cat <<A\n", "${A:-", "echo 'a\n", " \n", "a;", "x=(\n", "\\\n", '"$(', "}\n"],
)
def test_a_hostile_script_costs_time_in_proportion(head: str, piece: str) -> None:
    """A hundred thousand characters take seconds at the most."""
    start = time.process_time()
    assert sum(1 for _ in shell.parse(head + piece * (100_000 // len(piece)))) >= 0
    assert time.process_time() - start < 5
