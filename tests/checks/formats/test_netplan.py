"""Credentials of netplan are marked as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import netplan
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/netplan/01.yaml",
        "network:\n  wifis:\n    w:\n      access-points:\n        a:\n          password: @@\n",
        "hex",
        ("network", "wifis", "w", "access-points", "a", "password"),
        Role.SECRET,
        "",
    ),
    (
        "etc/netplan/01.yaml",
        "network:\n  modems:\n    m:\n      pin: @@\n",
        "hex",
        ("network", "modems", "m", "pin"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(netplan, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(netplan, template, "# ") == []


def test_keys_of_tunnels_are_secret_and_numbers_are_not() -> None:
    """The key of WireGuard is a credential, its public half and the number of a GRE tunnel not."""
    made = "A1b2" * 10 + "A1c="
    text = (
        "network:\n tunnels:\n  g:\n   key: 1234\n  w:\n   key: " + made
        + "\n   peers:\n   - keys: {public: " + made + ", shared: " + made + "}\n"
    )  # fmt: skip
    secret = [entry.keys[-1] for entry in netplan.parse(text) if entry.role is Role.SECRET]
    assert secret == ["key", "shared"]
