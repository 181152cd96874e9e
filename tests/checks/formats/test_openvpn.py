"""Credentials planted in OpenVPN are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import openvpn
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "a.ovpn",
        "client\n<auth-user-pass>\nbob\n@@\n</auth-user-pass>\n",
        "raw",
        ("auth-user-pass", "password"),
        Role.SECRET,
        "bob",
    ),
    ("openvpn/a.conf", "setenv PW @@\n", "double", ("setenv", "PW"), Role.NAMED, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(openvpn, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(openvpn, template, "# ") == []


def test_an_inline_static_key_comes_out_in_one_piece() -> None:
    """The hexadecimal lines are joined, armour and comments left out."""
    text = (
        "client\n<tls-auth>\n# 2048 bit\n-----BEGIN OpenVPN Static key V1-----\n0a\n1b\n"
        "-----END OpenVPN Static key V1-----\n</tls-auth>\nverb 3\n"
    )
    entries = list(openvpn.parse(text))
    assert [(entry.keys, entry.value, entry.line, entry.role) for entry in entries] == [
        (("tls-auth",), "0a1b", 4, Role.SECRET),
        (("verb",), "3", 9, Role.NAMED),
    ]


def test_other_inline_blocks_do_no_harm() -> None:
    """A certificate gives nothing, and what follows it is read."""
    text = "<ca>\n-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n</ca>\nverb 3\n"
    assert [entry.keys for entry in openvpn.parse(text)] == [("verb",)]


def test_a_static_key_alone_is_recognised() -> None:
    """A file that is only a key is one secret."""
    text = "#\n-----BEGIN OpenVPN Static key V1-----\n0a\n-----END OpenVPN Static key V1-----\n"
    assert openvpn.sniff(text)
    assert not openvpn.sniff("client\n")
    assert [(entry.keys, entry.value) for entry in openvpn.parse(text)] == [(("static-key",), "0a")]
