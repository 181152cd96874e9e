"""Credentials of routers and switches are read, as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import netdevice
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "backup/r1-confg",
        "snmp-server community @@ RO 10\n",
        "word",
        ("snmp-server community",),
        Role.SECRET,
        "",
    ),
    (
        "backup/r1-confg",
        "snmp-server host 192.0.2.1 version 2c @@\n",
        "word",
        ("snmp-server host",),
        Role.SECRET,
        "192.0.2.1",
    ),
    (
        "backup/r1-confg",
        "snmp-server host 192.0.2.1 traps version 2c @@ udp-port 162\n",
        "word",
        ("snmp-server host",),
        Role.SECRET,
        "192.0.2.1",
    ),
    (
        "backup/r1-confg",
        "tacacs-server host 192.0.2.1 key @@\n",
        "word",
        ("tacacs-server",),
        Role.SECRET,
        "192.0.2.1",
    ),
    ("backup/r1-confg", "radius-server key 0 @@\n", "word", ("radius-server",), Role.SECRET, ""),
    (
        "backup/r1-confg",
        "radius server r1\n address ipv4 192.0.2.1\n key 0 @@\n",
        "word",
        ("radius server r1", "key"),
        Role.SECRET,
        "",
    ),
    (
        "backup/r1-confg",
        "crypto isakmp key @@ address 192.0.2.1\n",
        "word",
        ("crypto isakmp key",),
        Role.SECRET,
        "",
    ),
    (
        "backup/r1-confg",
        "crypto ikev2 keyring k\n peer p\n  pre-shared-key local @@\n",
        "word",
        ("crypto ikev2 keyring", "pre-shared-key"),
        Role.SECRET,
        "",
    ),
    (
        "backup/r1-confg",
        "tunnel-group 192.0.2.1 ipsec-attributes\n ikev1 pre-shared-key @@\n",
        "word",
        ("tunnel-group 192.0.2.1 ipsec-attributes", "ikev1 pre-shared-key"),
        Role.SECRET,
        "",
    ),
    ("backup/r1-confg", "enable password @@\n", "word", ("enable password",), Role.SECRET, ""),
    (
        "backup/r1-confg",
        "username ada privilege 15 password 0 @@\n",
        "word",
        ("username",),
        Role.SECRET,
        "ada",
    ),
    ("backup/r1-confg", "username ada secret @@\n", "word", ("username",), Role.SECRET, "ada"),
    (
        "backup/r1-confg",
        "ntp authentication-key 1 md5 @@\n",
        "word",
        ("ntp authentication-key",),
        Role.SECRET,
        "1",
    ),
    (
        "backup/r1-confg",
        "line vty 0 4\n password @@\n",
        "word",
        ("line vty 0", "password"),
        Role.SECRET,
        "",
    ),
    (
        "backup/r1-confg",
        "router bgp 1\n neighbor 192.0.2.1 password @@\n",
        "word",
        ("router bgp 1", "neighbor"),
        Role.SECRET,
        "192.0.2.1",
    ),
    (
        "backup/r1-confg",
        "interface Vlan1\n ip ospf message-digest-key 1 md5 @@\n",
        "word",
        ("interface Vlan1", "ip ospf message-digest-key 1 md5"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(netdevice, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(netdevice, template, "! ") == []


@pytest.mark.parametrize(
    "text",
    [
        "enable secret 9 $9$a$b\n",
        "username a secret 5 $1$a$b\n",
        "passwd 2KFQnbNIdI.2KYOU encrypted\n",
    ],
)
def test_what_is_hashed_is_a_hash(text: str) -> None:
    """The digit, the scheme or the word behind it says so."""
    assert [entry.role for entry in netdevice.parse(text)] == [Role.HASH]


@pytest.mark.parametrize(
    "text",
    [
        "service password-encryption\n", "ip ssh server key rsa\n", "key chain k\n key 1\n",
        "username a password 6 AAAA\n", "description password of the lift\n",
        "aaa authentication login default local\n", "snmp-server community <removed> RO\n",
    ],
)  # fmt: skip
def test_other_commands_give_no_secret(text: str) -> None:
    """Words of the command language, encrypted and masked values are no credentials."""
    found = [entry for entry in netdevice.parse(text) if not entry.value.isdigit()]
    assert found == []


def test_the_configuration_is_recognised_by_two_kinds_of_command() -> None:
    """One line alone might be anything."""
    assert netdevice.sniff("hostname r1\nline vty 0 4\n")
    assert not netdevice.sniff("hostname r1\n")
