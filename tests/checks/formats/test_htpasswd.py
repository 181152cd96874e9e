"""Credentials planted in password files of web servers are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import htpasswd
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("site.htpasswd", "u:{PLAIN}@@\n", "raw", ("u",), Role.SECRET, "u"),
    (".htpasswd", "a:b\nu:@@\n", "colon", ("u",), Role.SECRET, "u"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(htpasswd, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(htpasswd, template, "# ") == []


HASHES = [
    "$apr1$abcdefgh$0123456789012345678901",
    "$2y$05$" + "a" * 53,
    "{SHA}" + "A" * 27 + "=",
    "rqXexS6ZhobKA",
]


@pytest.mark.parametrize("value", HASHES)
def test_a_hash_is_given_as_one(value: str) -> None:
    """Every scheme of htpasswd is told from clear text."""
    [entry] = htpasswd.parse(f"u:{value}\n")
    assert (entry.value, entry.role, entry.subject) == (value, Role.HASH, "u")


def test_a_digest_has_its_realm_in_the_keys() -> None:
    """htdigest writes user, realm and MD5."""
    value = "0123456789abcdef" * 2
    [entry] = htpasswd.parse(f"u:my realm:{value}\n")
    assert (entry.keys, entry.value, entry.role) == (("my realm", "u"), value, Role.HASH)
