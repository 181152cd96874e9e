"""Secrets of FreeRADIUS are read, what unlang computes is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import freeradius
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/freeradius/3.0/clients.conf",
        "client a {\n\tsecret = @@\n}\n",
        "word",
        ("client a", "secret"),
        Role.SECRET,
        "",
    ),
    (
        "radius/clients.conf",
        "client a {\n secret = @@\n}",
        "word",
        ("client a", "secret"),
        Role.SECRET,
        "",
    ),
    (
        "etc/raddb/mods-available/sql",
        "sql {\n\tpassword = @@\n}\n",
        "double",
        ("sql", "password"),
        Role.SECRET,
        "",
    ),
    (
        "etc/freeradius/3.0/mods-enabled/eap",
        "eap {\n tls-config a {\n  private_key_password = @@\n }\n}\n",
        "word",
        ("eap", "tls-config a", "private_key_password"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(freeradius, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(freeradius, template, "# ") == []


@pytest.mark.parametrize(
    "text",
    [
        "passwd mac2ip {\n filename = ${confdir}/a\n}\n",
        'update control {\n &Cleartext-Password := "%{sql:x}"\n}\n',
        "if (&User-Password !~ /^(.*)([0-9]{6})$/) {\n}\n",
        'update request {\n User-Password := "%{1}"\n}\n',
    ],
)
def test_computed_values_and_names_of_modules_give_nothing(text: str) -> None:
    """An attribute that an expansion fills is no credential."""
    assert list(freeradius.parse(text)) == []
