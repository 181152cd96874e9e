"""Credentials planted in the passwords of Pgpool-II are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import poolpasswd
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("pool_passwd", "app:TEXT@@\n", "hex", ("app",), Role.SECRET, "app"),
    ("pgpool-II/pool_passwd", "a:AESk7Q2=\napp:@@\n", "hex", ("app",), Role.SECRET, "app"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(poolpasswd, row) == []


def test_what_is_hashed_or_encrypted_is_no_clear_password() -> None:
    """A digest is a hash, what is encrypted with a key elsewhere is nothing, clear text is told."""
    text = f"a:md5{'0a' * 16}\nb:AESk7Q2xx==\nc:TEXTk7Q2\nd\n"
    found = [(e.subject, e.role) for e in poolpasswd.parse(text)]
    assert found == [("a", Role.HASH), ("c", Role.SECRET)]
