"""Scripts of expect give their variables and what they answer to a prompt for a password."""

from __future__ import annotations

import random
import time

import pytest

from checks.formats import expect
from checks.model import Role
from checks.secrets import commands

VALUE = f"Kx{random.Random(2).randrange(10**9)}+z"

ANSWERED = [
    'expect "password:"\nsend "@@\\r"\n',
    'expect "*assword*" { send "@@\\r" }\n',
    'expect {\n  "yes/no" { send "yes\\r"; exp_continue }\n  "assword:" { send -- "@@\\r" }\n}\n',
    "expect -re {assphrase.*:}\nsend {@@}\n",
]


@pytest.mark.parametrize("template", ANSWERED)
def test_the_answer_to_a_prompt_is_a_secret(template: str) -> None:
    """Without the key that ends it, on its line."""
    line = template.partition("@@")[0].count("\n") + 1
    found = [e for e in expect.parse(template.replace("@@", VALUE)) if e.role is Role.SECRET]
    assert [(e.value, e.line) for e in found] == [(VALUE, line)]


def test_other_answers_are_not() -> None:
    """A command at a shell's prompt, a yes, a key."""
    text = 'expect "$ "\nsend "uptime -p\\r"\nexpect "password:"\nsend "\\r"\nsend "yes\\r"\n'
    assert [e for e in expect.parse(text) if e.role is Role.SECRET] == []


def test_variables_are_named() -> None:
    """Quoted, in braces or bare."""
    text = f'set password "{VALUE}"\nset pass2 {{{VALUE}}}\nset timeout 20\n'
    found = [(e.keys[0], e.value, e.line) for e in expect.parse(text)]
    assert found == [("password", VALUE, 1), ("pass2", VALUE, 2), ("timeout", "20", 3)]


@pytest.mark.parametrize(
    "command",
    [
        'expect -c "spawn ssh x; expect assword:; send \\"@@\\r\\""',
        'expect -c \'expect "assword:"; send "@@\\r"\'',
        'expect <<EOF\nexpect "assword:"\nsend "@@\\r"\nEOF\n',
    ],
)
def test_scripts_on_a_command_line_are_read(command: str) -> None:
    """As argument of -c or as here-document."""
    found = list(commands.credentials(command.replace("@@", VALUE), 1))
    assert [(e.value, e.role) for e in found] == [(VALUE, Role.SECRET)]


def test_its_interpreter_is_recognised() -> None:
    """And no other."""
    assert expect.sniff("#!/usr/bin/expect -f\n")
    assert expect.sniff("#!/usr/bin/env expect\n")
    assert not expect.sniff("#!/bin/sh\n# expect\n")


@pytest.mark.parametrize("unit", ['send "', "set a {", "expect ", 'send -- "\\', "set a "])
def test_the_cost_grows_with_the_text(unit: str) -> None:
    """Also for text made to be slow."""
    start = time.perf_counter()
    list(expect.parse(unit * 20_000))
    assert time.perf_counter() - start < 5
