"""Users and secrets of coturn are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import turnserver
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/turnserver.conf", "user=ada:@@\n", "tight-dq", ("user",), Role.SECRET, "ada"),
    (
        "etc/turnserver.conf",
        "static-auth-secret=@@\n",
        "word",
        ("static-auth-secret",),
        Role.SECRET,
        "",
    ),
    ("etc/coturn/x.conf", "cli-password @@\n", "word", ("cli-password",), Role.SECRET, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(turnserver, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(turnserver, template, "# ") == []


def test_a_digest_is_a_hash() -> None:
    """A key in hex and a crypted password are hashes, other settings ordinary values."""
    text = f"user=a:0x{'0f' * 16}\ncli-password=$5$a$b\nrealm=x\n"
    roles = [entry.role for entry in turnserver.parse(text)]
    assert roles == [Role.HASH, Role.HASH, Role.NAMED]
