"""Credentials planted in IPsec secrets are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import ipsec
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/ipsec.secrets",
        "1.2.3.4 %any : PSK @@\n",
        "plain-double",
        ("PSK",),
        Role.SECRET,
        "1.2.3.4 %any",
    ),
    (
        "etc/ipsec.secrets",
        ': PSK "a"\nbob : EAP @@\n',
        "plain-double",
        ("EAP",),
        Role.SECRET,
        "bob",
    ),
    ("ipsec.d/a.secrets", "@x : XAUTH @@\n", "plain-double", ("XAUTH",), Role.SECRET, "@x"),
    (
        "ipsec.secrets",
        ": RSA k.pem @@\n",
        "plain-double",
        ("RSA", "k.pem", "passphrase"),
        Role.SECRET,
        "",
    ),
    ("etc/racoon/psk.txt", "1.2.3.4 @@\n", "tight", ("psk",), Role.SECRET, "1.2.3.4"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(ipsec, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(ipsec, template, "# ") == []


@pytest.mark.parametrize(
    "line", [": PIN %smartcard %prompt", ": RSA key.pem", "include /x/*.secrets"]
)
def test_a_line_without_a_secret_gives_nothing(line: str) -> None:
    """A prompt, a bare file name and an inclusion hold none."""
    assert list(ipsec.parse(line + "\n")) == []


def test_an_inline_private_key_gives_its_private_parts() -> None:
    """Of Libreswan's RSA block the exponent and primes come out, the modulus does not."""
    text = ": RSA {\n\tModulus: 0x11\n\tPrivateExponent: 0x22\n\tPrime1: 0x33\n\t}\n"
    assert [entry.value for entry in ipsec.parse(text)] == ["0x22", "0x33"]
