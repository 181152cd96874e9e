"""Credentials planted in key files of NetworkManager are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import networkmanager
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "system-connections/home",
        "[wifi-security]\npsk=@@\n",
        "keyfile",
        ("wifi-security", "psk"),
        Role.SECRET,
        "",
    ),
    (
        "a.nmconnection",
        "[vpn-secrets]\nXauth password=@@\n",
        "keyfile",
        ("vpn-secrets", "Xauth password"),
        Role.SECRET,
        "",
    ),
    (
        "a.nmconnection",
        "[wireguard]\nprivate-key=@@\n",
        "keyfile",
        ("wireguard", "private-key"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(networkmanager, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(networkmanager, template, "# ") == []
