"""Passwords of Exim's databases and authenticators are read with their users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import exim
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/exim4/exim4.conf",
        "hide mysql_servers = h/d/ada/@@\n",
        "word",
        ("mysql_servers",),
        Role.SECRET,
        "ada",
    ),
    (
        "etc/exim/exim.conf",
        "hide pgsql_servers = h(/run/x)/d/ada/@@\n",
        "word",
        ("pgsql_servers",),
        Role.SECRET,
        "ada",
    ),
    (
        "etc/exim4/exim4.conf.template",
        "hide mysql_servers = <; ::1/d/ada/@@\n",
        "word",
        ("mysql_servers",),
        Role.SECRET,
        "ada",
    ),
    (
        "etc/exim4/conf.d/auth/30",
        "x:\n  client_send = : ada : @@\n",
        "word-noat",
        ("x", "client_send"),
        Role.SECRET,
        "ada",
    ),
    (
        "etc/exim4/conf.d/auth/30",
        "x:\n  client_secret = @@\n",
        "word",
        ("x", "client_secret"),
        Role.SECRET,
        "",
    ),
    (
        "etc/exim4/conf.d/auth/30",
        "x:\n  server_condition = ${lookup ldap{user=cn pass=@@ ldap://h}}\n",
        "word",
        ("x", "server_condition", "pass"),
        Role.SECRET,
        "cn",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(exim, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(exim, template, "# ") == []


def test_what_plain_sends_is_split_at_its_carets() -> None:
    """`^user^password` is user and password; a doubled caret is one."""
    entries = list(exim.parse("a:\n  client_send = ^ada^x^^y9\n"))
    assert [(entry.subject, entry.value) for entry in entries] == [("ada", "x^y9")]


def test_each_of_several_servers_gives_its_password() -> None:
    """A list of servers is split at its colons."""
    entries = exim.parse("hide mysql_servers = a/d/u/one1 : b/d/v/two2\n")
    assert [(entry.subject, entry.value) for entry in entries] == [("u", "one1"), ("v", "two2")]


def test_a_computed_secret_gives_nothing() -> None:
    """An expansion is no credential."""
    assert list(exim.parse("a:\n  server_secret = ${lookup{$1}lsearch{/x}}\n")) == []
