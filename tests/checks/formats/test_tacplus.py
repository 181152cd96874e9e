"""Credentials planted in the settings of TACACS+ are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import tacplus
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("tac_plus.conf", "key = @@\n", "double", ("key",), Role.SECRET),
    (
        "tac_plus.conf",
        "user = bob {\n login = cleartext @@\n}\n",
        "double",
        ("login",),
        Role.SECRET,
        "bob",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(tacplus, row) == []


def test_other_ways_to_log_in_have_none() -> None:
    """PAM and files have no password, DES has a hash, clear text has one."""
    text = "user = a { login = PAM }\nlogin = file /etc/passwd\nenable = des x1y2\npap = clear k7\n"
    found = [(e.keys[0], e.value, e.role) for e in tacplus.parse(text)]
    assert found == [("enable", "x1y2", Role.HASH), ("pap", "k7", Role.SECRET)]
