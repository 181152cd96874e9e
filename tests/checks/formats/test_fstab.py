"""Credentials planted in mount tables are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import fstab
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/fstab",
        "# c\n//h/s /mnt/a\\040b cifs rw,username=u,password=@@,uid=0 0 0\n",
        "fstab",
        ("/mnt/a b", "password"),
        Role.SECRET,
        "u",
    ),
    (
        "etc/auto.home",
        "data -fstype=cifs,user=u,pass=@@ ://h/s\n",
        "fstab",
        ("data", "pass"),
        Role.SECRET,
        "u",
    ),
    (
        "etc/fstab",
        "//h/s /mnt/a cifs rw,user=u%@@,uid=0 0 0\n",
        "fstab",
        ("/mnt/a", "password"),
        Role.SECRET,
        "u",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(fstab, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(fstab, template, "# ") == []


def test_a_file_of_credentials_gives_nothing() -> None:
    """An option that only names a file has no credential."""
    entries = list(fstab.parse("//h/s /m cifs credentials=/etc/c,uid=0 0 0\n"))
    assert [entry.keys for entry in entries] == [("/m", "source"), ("/m", "uid")]
