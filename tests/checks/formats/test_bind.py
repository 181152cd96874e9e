"""Credentials planted in BIND and dhcpd are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import bind
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/bind/rndc.key",
        'key "k" {\n algorithm x;\n secret @@;\n};\n',
        "double",
        ("key k", "secret"),
        Role.SECRET,
        "k",
    ),
    (
        "named.conf",
        "/* a */ // b\nkey k { secret @@; };\n",
        "word",
        ("key k", "secret"),
        Role.SECRET,
        "k",
    ),
    (
        "dhcpd.conf",
        "omapi-port 7911;\nkey o {\n secret @@;\n}\n",
        "word",
        ("key o", "secret"),
        Role.SECRET,
        "o",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(bind, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(bind, template, "# ") == []
