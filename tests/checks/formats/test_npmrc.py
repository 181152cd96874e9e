"""Credentials planted in npm's configuration are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import npmrc
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        ".npmrc",
        "//r/:username=u\n//r/:_authToken=@@\n",
        "raw",
        ("//r/", "_authToken"),
        Role.SECRET,
        "u",
    ),
    ("home/u/.npmrc", "_auth=@@\n", "word", ("_auth",), Role.ENCODED, ""),
    (".npmrc", '//r/:_password="@@"\n', "hex", ("//r/", "_password"), Role.ENCODED, "//r/"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(npmrc, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(npmrc, template, "# ") == []
