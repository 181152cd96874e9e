"""Credentials planted in Erlang terms are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import erlang
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "rabbitmq.config",
        '[{rabbit, [\n {default_user, <<"u">>},\n {default_pass, <<@@>>}\n]}].\n',
        "c",
        ("rabbit", "default_pass"),
        Role.NAMED,
        "",
    ),
    (
        "sys.config",
        "[{app, [{db, [{password, @@}]}]}].\n",
        "c",
        ("app", "db", "password"),
        Role.NAMED,
        "",
    ),
    (
        "advanced.config",
        '[{ldap, [{other_bind, {"cn=a,dc=b", @@}}]}].\n',
        "c",
        ("ldap", "other_bind"),
        Role.SECRET,
        "cn=a,dc=b",
    ),
    ("vm.args", "-name a@b\n-setcookie @@\n", "tight", ("-setcookie",), Role.SECRET, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(erlang, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(erlang, template, "% ") == []


def test_lists_and_longer_tuples_give_nothing() -> None:
    """Only a name with one scalar behind it is a setting."""
    assert list(erlang.parse("[{a, [b, c]}, {d, e, f}, {g}].\n")) == []
