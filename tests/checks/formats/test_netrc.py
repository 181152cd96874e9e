"""Credentials planted in netrc files are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import netrc
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (".netrc", "machine h login u password @@\n", "raw", ("h", "password"), Role.SECRET, "u"),
    (
        "home/u/.netrc",
        "machine h\n  login u\n  password @@\nmachine i login v password z\n",
        "raw",
        ("h", "password"),
        Role.SECRET,
        "u",
    ),
    ("_netrc", "machine h password @@ login u\n", "c", ("h", "password"), Role.SECRET, "u"),
    ("netrc", "default login u password @@", "raw", ("default", "password"), Role.SECRET, "u"),
    (
        "etc/apt/auth.conf.d/a.conf",
        "machine h/x login u password @@\n",
        "raw",
        ("h/x", "password"),
        Role.SECRET,
        "u",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(netrc, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(netrc, template, "# ") == []


def test_macros_and_comments_are_left_out() -> None:
    """The body of a macro gives nothing, a password that begins with # does."""
    text = "machine h login u password #a1\nmacdef init\nmachine x password y\n\n# z\n"
    assert [(entry.keys, entry.value) for entry in netrc.parse(text)] == [
        (("h", "password"), "#a1")
    ]


def test_another_format_is_refused() -> None:
    """An unknown key word ends the reading and keeps what came before it."""
    found = []
    with pytest.raises(FormatError):
        found.extend(entry.value for entry in netrc.parse("machine h password x\nother\n"))
    assert found == ["x"]


def test_anonymous_access_has_no_password() -> None:
    """A mail address is given in its place; any other login has one."""
    assert list(netrc.parse("default login anonymous password guest@h\n")) == []
    assert len(list(netrc.parse("default login anon password guest@h\n"))) == 1
