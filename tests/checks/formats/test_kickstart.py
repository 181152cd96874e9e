"""Credentials planted in kickstart files are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import kickstart
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("ks.cfg", "rootpw --plaintext @@\n", "shell", ("rootpw",), Role.SECRET, "root"),
    (
        "a.ks",
        "user --name=bob --password=@@ --groups=wheel\n",
        "shell",
        ("user", "--password"),
        Role.SECRET,
        "bob",
    ),
    (
        "a.ks",
        "autopart --encrypted --passphrase=@@\n",
        "shell",
        ("autopart", "--passphrase"),
        Role.SECRET,
        "",
    ),
    (
        "a.ks",
        "bootloader --location=mbr --password @@\n",
        "word",
        ("bootloader", "--password"),
        Role.SECRET,
        "",
    ),
    ("a.ks", "sshpw --username=bob @@ --plaintext\n", "shell", ("sshpw",), Role.SECRET, "bob"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(kickstart, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(kickstart, template, "# ") == []


def test_a_hash_is_given_as_one() -> None:
    """--iscrypted says so, and so does the form of the value."""
    for line in ("rootpw --iscrypted abc", "rootpw $6$abcdefgh$ijkl", "rootpw --iscrypted $6$a$b"):
        [entry] = [e for e in kickstart.parse(line + "\n") if e.keys == ("rootpw",)]
        assert entry.role is Role.HASH


def test_a_locked_root_gives_nothing() -> None:
    """rootpw --lock has no password."""
    assert list(kickstart.parse("rootpw --lock\nrootpw --lock x\n")) == []


def test_scripts_are_command_lines() -> None:
    """The lines of %post are commands, those of %packages are none."""
    text = "%packages\n@core\n%end\n%post --log=/x\ncurl -u a:b \\\n h\n%end\n"
    [entry] = kickstart.parse(text)
    assert (entry.keys, entry.role, entry.line) == (("%post",), Role.COMMAND, 5)


def test_a_kickstart_is_recognised_by_its_text() -> None:
    """A root password among installer commands is enough, one of them alone is not."""
    assert kickstart.sniff("lang en_US\nrootpw x\n")
    assert not kickstart.sniff("rootpw x\n")
