"""Credentials planted in HAProxy are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import haproxy
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "haproxy.cfg",
        "userlist u\n  user bob insecure-password @@\n",
        "shell",
        ("userlist u", "user", "insecure-password"),
        Role.SECRET,
        "bob",
    ),
    (
        "haproxy.cfg",
        "listen s\n  stats auth bob:@@\n",
        "word",
        ("listen s", "stats", "auth"),
        Role.SECRET,
        "bob",
    ),
    (
        "haproxy.cfg",
        "backend b\n http-request set-header Authorization @@\n",
        "shell",
        ("backend b", "http-request", "set-header", "Authorization"),
        Role.NAMED,
        "",
    ),
    (
        "haproxy.cfg",
        "backend b\n tcp-check send AUTH\\ @@\\r\\n\n",
        "hex",
        ("backend b", "tcp-check", "AUTH"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(haproxy, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(haproxy, template, "# ") == []


def test_the_password_of_a_user_list_is_a_hash() -> None:
    """`password` takes a hash, `insecure-password` does not."""
    [entry] = haproxy.parse("userlist u\n  user bob password $6$a$b\n")
    assert (entry.role, entry.subject) == (Role.HASH, "bob")
