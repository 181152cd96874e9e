"""Credentials planted in Apache are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import apache
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "httpd.conf",
        "<Directory />\n SetEnv DB_PASSWORD @@\n</Directory>\n",
        "double",
        ("Directory /", "SetEnv", "DB_PASSWORD"),
        Role.NAMED,
        "",
    ),
    (
        "apache2.conf",
        "AuthLDAPBindPassword @@\n",
        "double",
        ("AuthLDAPBindPassword",),
        Role.SECRET,
        "",
    ),
    (
        "apache2/mods-enabled/oidc.conf",
        "OIDCClientSecret @@\n",
        "double",
        ("OIDCClientSecret",),
        Role.SECRET,
        "",
    ),
    (
        "httpd.conf",
        "ProxyPass /a ajp://h:8009/ secret=@@ timeout=3\n",
        "tight",
        ("ProxyPass", "secret"),
        Role.SECRET,
        "",
    ),
    (
        ".htaccess",
        "RequestHeader set Authorization @@\n",
        "double",
        ("RequestHeader", "Authorization"),
        Role.NAMED,
        "",
    ),
    (
        "apache2/conf.d/a.conf",
        'A b \\\n c\nDBDParams "host=h user=u pass=@@"\n',
        "word",
        ("DBDParams", "pass"),
        Role.NAMED,
        "",
    ),
    ("proftpd.conf", "SQLConnectInfo db@h u @@\n", "tight", ("SQLConnectInfo",), Role.SECRET, "u"),
    (
        "collectd.conf",
        "<Plugin mysql>\n <Database x>\n  Password @@\n </Database>\n</Plugin>\n",
        "double",
        ("Plugin mysql", "Database x", "Password"),
        Role.NAMED,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(apache, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(apache, template, "# ") == []
