"""Boot loader passwords are read with their users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import grub
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/grub.d/40_custom",
        'set superusers="ada"\npassword ada @@\n',
        "word",
        ("password",),
        Role.SECRET,
        "ada",
    ),
    ("boot/grub/menu.lst", "password @@\n", "word", ("password",), Role.SECRET, ""),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(grub, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(grub, template, "# ") == []


@pytest.mark.parametrize(
    "text",
    [
        "password_pbkdf2 ada grub.pbkdf2.sha512.1.A.B\n",
        "password --md5 $1$a$b\n",
        "GRUB2_PASSWORD=grub.pbkdf2.sha512.1.A.B\n",
    ],
)
def test_a_hash_is_told_from_a_password(text: str) -> None:
    """What grub-mkpasswd-pbkdf2 and md5crypt made is a hash."""
    assert [entry.role for entry in grub.parse(text)] == [Role.HASH]
