"""Credentials planted in relay credentials are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import sasl
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "etc/postfix/sasl_passwd",
        "[smtp.h]:587 u@d:@@\n",
        "raw",
        ("[smtp.h]:587", "password"),
        Role.SECRET,
        "u@d",
    ),
    ("etc/exim4/passwd.client", "smtp.h:u:@@\n", "raw", ("smtp.h", "password"), Role.SECRET, "u"),
    (
        "etc/mail/authinfo",
        'AuthInfo:h "U:u" "P:@@" "M:PLAIN"\n',
        "colon",
        ("h", "password"),
        Role.SECRET,
        "u",
    ),
    ("etc/mail/authinfo", 'AuthInfo:h "U:u" "P=@@"\n', "hex", ("h", "password"), Role.ENCODED, "u"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(sasl, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(sasl, template, "# ") == []
