"""Credentials planted in net-snmp are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import snmp
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "snmpd.conf",
        "rocommunity @@ 10.0.0.0/8\n",
        "tight",
        ("rocommunity",),
        Role.SECRET,
        "10.0.0.0/8",
    ),
    ("snmpd.conf", "com2sec -Cn c n default @@\n", "tight", ("com2sec",), Role.SECRET, "n"),
    ("snmpd.conf", "com2sec n default @@\n", "double", ("com2sec",), Role.SECRET, "n"),
    (
        "snmpd.conf",
        'createUser bob SHA @@ AES "zzzzzzzz"\n',
        "double",
        ("createUser", "auth"),
        Role.SECRET,
        "bob",
    ),
    (
        "snmpd.conf",
        'createUser -e 0x80 bob SHA-256 "zzzzzzzz" AES @@\n',
        "double",
        ("createUser", "priv"),
        Role.SECRET,
        "bob",
    ),
    (
        "snmpd.conf",
        "trapsess -v 3 -u bob -A @@ h\n",
        "double",
        ("trapsess", "-A"),
        Role.SECRET,
        "bob",
    ),
    (
        "snmptrapd.conf",
        "authCommunity log,execute @@\n",
        "tight",
        ("authCommunity",),
        Role.SECRET,
        "log,execute",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(snmp, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(snmp, template, "# ") == []


def test_a_derived_key_is_a_hash() -> None:
    """-l in front of a phrase says that it is a localised key."""
    [entry] = snmp.parse("createUser bob SHA -l 0xabcd\n")
    assert (entry.role, entry.subject) == (Role.HASH, "bob")


def test_a_plain_directive_has_no_credential() -> None:
    """Other directives are ordinary values."""
    [entry] = snmp.parse("syslocation here and there\n")
    assert (entry.keys, entry.value, entry.role) == (("syslocation",), "here and there", Role.NAMED)
