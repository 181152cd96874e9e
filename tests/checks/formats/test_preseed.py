"""Credentials planted in preseed files are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import preseed
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "preseed.cfg",
        "d-i passwd/root-password password @@\n",
        "raw",
        ("d-i", "passwd/root-password"),
        Role.SECRET,
        "",
    ),
    (
        "preseed.cfg",
        "d-i passwd/user-password-crypted password @@\n",
        "hex",
        ("d-i", "passwd/user-password-crypted"),
        Role.HASH,
        "",
    ),
    (
        "debconf-selections",
        "a a/b string \\\n x\nmysql-server mysql-server/root_password password @@\n",
        "raw",
        ("mysql-server", "mysql-server/root_password"),
        Role.SECRET,
        "",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(preseed, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(preseed, template, "# ") == []


def test_a_command_is_given_as_one() -> None:
    """What runs late is a command line over continued lines."""
    [entry] = preseed.parse("d-i preseed/late_command string a \\\n b\n")
    assert (entry.role, entry.value.split()) == (Role.COMMAND, ["a", "b"])


def test_a_locked_password_gives_nothing() -> None:
    """An exclamation mark is no hash."""
    assert list(preseed.parse("d-i passwd/root-password-crypted password !\n")) == []


def test_a_preseed_is_recognised_by_its_text() -> None:
    """The owner d-i and a typed question tell it, prose does not."""
    assert preseed.sniff("# x\nd-i passwd/root-password password a\n")
    assert not preseed.sniff("d-i is the installer\n")


def test_the_key_of_a_wireless_network_is_secret() -> None:
    """It is asked as an ordinary string."""
    entries = list(preseed.parse("d-i netcfg/wireless_wpa string x y\nd-i a/b string z\n"))
    assert [entry.role for entry in entries] == [Role.SECRET, Role.NAMED]
