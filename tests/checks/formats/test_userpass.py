"""Credentials planted in tables of user and password are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import userpass
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/rsyncd.secrets", "u:@@\n", "raw", ("u",), Role.SECRET, "u"),
    ("dovecot/users", "u@d:{PLAIN}@@:1000:1000::/home\n", "colon", ("u@d",), Role.SECRET, "u@d"),
    ("chpasswd.txt", "a:b\nroot:@@\n", "colon", ("root",), Role.SECRET, "root"),
    ("pgbouncer/userlist.txt", '"u" @@\n', "double", ("u",), Role.SECRET, "u"),
    (".passwd-s3fs", "AKIAX:@@\n", "hex", ("AKIAX",), Role.SECRET, "AKIAX"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(userpass, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(userpass, template, "# ") == []


@pytest.mark.parametrize("line", ["u:{SSHA}abcd=", "u:$6$a$b:1:1::/h::", "u:{SHA512-CRYPT}$6$a$b"])
def test_a_hash_is_given_as_one(line: str) -> None:
    """A scheme in braces and a crypt prefix are told from clear text."""
    [entry] = userpass.parse(line + "\n")
    assert entry.role is Role.HASH


@pytest.mark.parametrize("line", ["u:x:1:1::/h:", "u:*", "u:", "no colon here"])
def test_a_line_without_a_password_gives_nothing(line: str) -> None:
    """Shadowed, locked and empty accounts have none."""
    assert list(userpass.parse(line + "\n")) == []
