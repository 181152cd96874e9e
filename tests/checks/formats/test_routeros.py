"""Credentials of a RouterOS export are read with the menu they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import routeros
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "backup/r.rsc",
        "/ppp secret\nadd name=ada password=@@ service=l2tp\n",
        "word",
        ("/ppp secret", "password"),
        Role.SECRET,
        "ada",
    ),
    (
        "backup/r.rsc",
        "/user add name=ada group=full password=@@\n",
        "word",
        ("/user add", "password"),
        Role.SECRET,
        "ada",
    ),
    (
        "backup/r.rsc",
        "/ip ipsec identity\nadd peer=hq \\\n    secret=@@\n",
        "word",
        ("/ip ipsec identity", "secret"),
        Role.SECRET,
        "hq",
    ),
    (
        "backup/r.rsc",
        "/snmp community\nset [ find default=yes ] name=@@\n",
        "word",
        ("/snmp community", "name"),
        Role.SECRET,
        "",
    ),
    (
        "backup/r.rsc",
        '/interface wireguard\nadd name=wg private-key="@@"\n',
        "word",
        ("/interface wireguard", "private-key"),
        Role.SECRET,
        "wg",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(routeros, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(routeros, template, "# ") == []


def test_escapes_in_quotes_are_undone() -> None:
    """A backslash stands in front of quotes, dollar signs and two hexadecimal digits."""
    entries = list(routeros.parse('/ppp secret\nadd password="a\\"b\\$c\\41"\n'))
    assert [entry.value for entry in entries] == ['a"b$cA']


def test_an_export_is_recognised_by_its_first_line() -> None:
    """Its comment names the system."""
    assert routeros.sniff("# jan/01/2024 by RouterOS 7.1\n")
    assert not routeros.sniff("# some comment\n")
