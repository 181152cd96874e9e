"""Credentials planted in monit are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import monit
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/monitrc",
        "set httpd port 2812\n  allow admin:@@\n",
        "double",
        ("allow",),
        Role.SECRET,
        "admin",
    ),
    (
        "monit/conf.d/a",
        'set mailserver h username "u" password @@\n',
        "double",
        ("password",),
        Role.SECRET,
        "u",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(monit, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(monit, template, "# ") == []


@pytest.mark.parametrize(
    "line", ["allow localhost", "allow 10.0.0.0/8", "allow fe80::1", "allow ::1", "allow @users"]
)
def test_hosts_are_no_credentials(line: str) -> None:
    """An address or a group has no password."""
    assert list(monit.parse(line + "\n")) == []


def test_a_program_is_a_command_line() -> None:
    """What monit starts is given as a command."""
    [entry] = monit.parse('  start program = "/bin/a -p x"\n')
    assert (entry.role, entry.value) == (Role.COMMAND, "/bin/a -p x")
