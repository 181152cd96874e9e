"""Credentials planted in rsyslog and syslog-ng are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import calls
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "rsyslog.conf",
        'action(type="ommysql" server="h" uid="u" pwd=@@)\n',
        "double",
        ("pwd",),
        Role.NAMED,
        "",
    ),
    (
        "rsyslog.d/a.conf",
        "*.* :ommysql:h,db,u,@@\n",
        "word",
        ("action", "password"),
        Role.SECRET,
        "u",
    ),
    (
        "syslog-ng.conf",
        'destination d { sql(type(mysql)\n username("u") password(@@)); };\n',
        "double",
        ("password",),
        Role.NAMED,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(calls, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(calls, template, "# ") == []
