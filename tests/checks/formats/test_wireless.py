"""Credentials planted in wireless networks are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import wireless
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "wpa_supplicant.conf",
        'network={\n  ssid="n"\n  psk=@@\n}\n',
        "to-quote",
        ("network", "psk"),
        Role.SECRET,
        "n",
    ),
    (
        "wpa_supplicant-wlan0.conf",
        'network={\n  identity="i"\n  password=@@\n}\n',
        "to-quote",
        ("network", "password"),
        Role.SECRET,
        "i",
    ),
    (
        "wpa_supplicant.conf",
        "network={\n wep_key0=@@\n}\n",
        "hex",
        ("network", "wep_key0"),
        Role.SECRET,
        "",
    ),
    ("hostapd.conf", "ssid=n\nwpa_passphrase=@@\n", "raw", ("wpa_passphrase",), Role.SECRET, "n"),
    (
        "hostapd.conf",
        "auth_server_shared_secret=@@\n",
        "raw",
        ("auth_server_shared_secret",),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(wireless, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(wireless, template, "# ") == []


def test_hashes_and_references_are_told_apart() -> None:
    """hash: is a hash, ext: names a secret kept elsewhere, a path is an ordinary value."""
    text = 'network={\n password=hash:0a\n psk=ext:x\n private_key="/a/b"\n}\n'
    assert [entry.role for entry in wireless.parse(text)] == [Role.HASH, Role.NAMED, Role.NAMED]


def test_only_the_password_of_an_sae_entry_is_given() -> None:
    """What follows the bar is no part of it."""
    [entry] = wireless.parse("sae_password=abc|mac=ff:ff:ff:ff:ff:ff\n")
    assert (entry.value, entry.role) == ("abc", Role.SECRET)
