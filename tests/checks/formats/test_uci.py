"""Credentials in the files of OpenWrt are read with their network or user."""

from __future__ import annotations

from checks.formats import uci
from checks.model import Role


def test_keys_and_passwords_are_secret() -> None:
    """The number of a key and the path of one are not."""
    text = (
        "config wifi-iface 'a'\n\toption ssid 'net'\n\toption key 'made up 9'\n"
        "config interface 'b'\n\toption key '1'\n\toption private_key '/etc/x'\n"
    )
    found = [entry for entry in uci.parse(text) if entry.role is Role.SECRET]
    assert [(e.keys, e.value, e.line, e.subject) for e in found] == [
        (("wifi-iface", "a", "key"), "made up 9", 3, "net")
    ]
