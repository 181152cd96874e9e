"""Credentials planted in Redis are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import redis
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("redis.conf", "port 1\nrequirepass @@\n", "c", ("requirepass",), Role.SECRET, ""),
    ("redis.conf", "masterauth @@\n", "tight", ("masterauth",), Role.SECRET, ""),
    ("users.acl", "user bob on >@@ ~* +@all\n", "tight", ("user", "bob"), Role.SECRET, "bob"),
    ("users.acl", "user bob on #@@ ~* +@all\n", "hex", ("user", "bob"), Role.HASH, "bob"),
    (
        "sentinel.conf",
        "sentinel auth-pass mymaster @@\n",
        "c",
        ("sentinel", "auth-pass"),
        Role.SECRET,
        "mymaster",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(redis, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(redis, template, "# ") == []


def test_an_empty_password_gives_nothing() -> None:
    """`requirepass ""` switches the password off."""
    assert list(redis.parse('requirepass ""\n')) == []
