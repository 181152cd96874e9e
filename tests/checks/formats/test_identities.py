"""Pre-shared keys are read with the identity they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import identities
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("etc/stunnel/psk.txt", "; keys\nweb01:@@\n", "word", ("psk",), Role.SECRET, "web01"),
    ("etc/stunnel/a.secrets", "web 01: @@\n", "word", ("psk",), Role.SECRET, "web 01"),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(identities, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(identities, template, "# ") == []


def test_a_key_may_stand_alone() -> None:
    """Zabbix keeps one key in hex."""
    assert [entry.value for entry in identities.parse("0f" * 32 + "\n")] == ["0f" * 32]


def test_another_form_is_refused() -> None:
    """Prose is no table of keys."""
    with pytest.raises(FormatError):
        list(identities.parse("some words here\n"))
