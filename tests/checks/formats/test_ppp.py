"""Credentials planted in PPP secrets are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import ppp
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/ppp/chap-secrets", "u * @@ *\n", "double", ("*", "secret"), Role.SECRET, "u"),
    ("etc/ppp/pap-secrets", "u\tisp\t@@\t*\n", "shell", ("isp", "secret"), Role.SECRET, "u"),
    ("etc/xl2tpd/l2tp-secrets", "* * @@\n", "word", ("*", "secret"), Role.SECRET, "*"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(ppp, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(ppp, template, "# ") == []


@pytest.mark.parametrize("secret", ["@/etc/secret", '""'])
def test_a_reference_and_an_empty_secret_give_nothing(secret: str) -> None:
    """A file name and "any secret" are no credentials."""
    assert list(ppp.parse(f"u * {secret} *\n")) == []
