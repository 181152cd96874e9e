"""Vagrantfiles and Jenkinsfiles give what their code names and what the scripts in them do."""

from __future__ import annotations

import random

import pytest

from checks.formats import scripted
from checks.model import Role

VALUE = f"Kx{random.Random(3).randrange(10**9)}+z"

BLOCKS = [
    'config.vm.provision "shell", inline: <<-SHELL\n  export DB_PASSWORD=@@\n  ls\nSHELL\n',
    "sh '''\n  export DB_PASSWORD=@@\n  ls\n'''\n",
    'sh(script: """\n  export DB_PASSWORD=@@\n""")\n',
]


@pytest.mark.parametrize("template", BLOCKS)
def test_blocks_are_shell_scripts(template: str) -> None:
    """Their settings are read, on their lines."""
    found = [e for e in scripted.parse(template.replace("@@", VALUE)) if e.value == VALUE]
    assert [(e.keys[-1], e.line) for e in found] == [("DB_PASSWORD", 2)]


def test_strings_that_are_run_are_commands() -> None:
    """Those of `sh` and `inline`, not those of `echo`."""
    for call in (
        "sh '{}'",
        'sh("{}")',
        "sh(script: '{}')",
        'x, inline: "{}"',
        "x, :inline => '{}'",
    ):
        found = list(scripted.parse(call.format("ls -p " + VALUE)))
        assert [e.value for e in found if e.role is Role.COMMAND] == ["ls -p " + VALUE]
    assert list(scripted.parse(f"echo 'ls -p {VALUE}'")) == []


def test_code_around_blocks_is_read() -> None:
    """In front of, on the first line of and behind one."""
    text = f"password = '{VALUE}'\nx(token: '{VALUE}', y: '''\n a\n''')\nsecret = '{VALUE}'\n"
    found = [(e.keys[-1], e.line) for e in scripted.parse(text) if e.value == VALUE]
    assert found == [("password", 1), ("token", 2), ("secret", 5)]


def test_a_block_that_never_ends_is_read() -> None:
    """Up to the end of the text."""
    text = f"sh '''\nexport PASSWORD={VALUE}\n"
    assert [e.line for e in scripted.parse(text) if e.value == VALUE] == [2]
