"""Credentials planted in unit files are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import systemd
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "a.service",
        "[Service]\nEnvironment=A=1 @@ B=2\n",
        "variable",
        ("Service", "Environment", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "a.service.d/override.conf",
        '[Service]\nEnvironment="X=1" \\\n  DB_PASSWORD=@@\n',
        "unit",
        ("Service", "Environment", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "a.container",
        "[Container]\nEnvironment=DB_PASSWORD=@@\n",
        "unit-raw",
        ("Container", "Environment", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "a.service",
        "[Service]\nSetCredential=db:@@\n",
        "unit-raw",
        ("Service", "SetCredential", "db"),
        Role.SECRET,
        "",
    ),
    (
        "wg0.netdev",
        "[WireGuard]\nPrivateKey=@@\n",
        "raw",
        ("WireGuard", "PrivateKey"),
        Role.SECRET,
        "",
    ),
    ("a.socket", "[Socket]\nX-Password=@@\n", "raw", ("Socket", "X-Password"), Role.NAMED, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(systemd, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(systemd, template, "# ") == []


def test_a_command_line_loses_its_prefixes() -> None:
    """ExecStart is a command without the marks of systemd and with single percent signs."""
    [entry] = systemd.parse("[Service]\nExecStart=-@/bin/a --p=x%%y \\\n# c\n  b\n")
    assert entry.role is Role.COMMAND
    assert entry.value.split() == ["/bin/a", "--p=x%y", "b"]


def test_several_variables_of_one_line_are_told_apart() -> None:
    """Each assignment is an entry of its own, at the line it stands on."""
    text = '[Service]\nEnvironment="A=b c" \'D=e"f\' \\\n  G=\\x41\n'
    found = [(entry.keys[-1], entry.value, entry.line) for entry in systemd.parse(text)]
    assert found == [("A", "b c", 2), ("D", 'e"f', 2), ("G", "A", 3)]


@pytest.mark.parametrize("name", ["EnvironmentFile", "PassEnvironment", "LoadCredential"])
def test_references_give_nothing(name: str) -> None:
    """A unit that only points at a credential has none."""
    assert list(systemd.parse(f"[Service]\n{name}=a:/b\n")) == []


def test_another_format_is_refused() -> None:
    """A line that is no setting ends the reading."""
    with pytest.raises(FormatError):
        list(systemd.parse("[Unit]\nthis is prose\n"))


def test_a_unit_within_a_document_is_recognised() -> None:
    """By its first section, also behind comments; a section of another name is none."""
    assert systemd.sniff("# x\n\n[Service]\nEnvironment=A=b\n")
    assert not systemd.sniff("[service]\nA=b\n")
    assert not systemd.sniff("x\n[Service]\n")
