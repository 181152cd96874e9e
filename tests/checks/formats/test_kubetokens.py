"""Tokens planted in a static token file are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.errors import FormatError
from checks.formats import kubetokens
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    ("known_tokens.csv", "@@,bob,10001\n", "hex", ("token",), Role.SECRET, "bob"),
    (
        "etc/kubernetes/tokens.csv",
        '@@,system:node,u-2,"system:nodes,ops"\n',
        "hex",
        ("token",),
        Role.SECRET,
        "system:node",
    ),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(kubetokens, row) == []


def test_a_table_with_a_header_is_read_by_it() -> None:
    """The column of that name is the credential, and another column is none."""
    found = list(kubetokens.parse("name,token,uid\nbob,x1y2,10001\n"))
    assert [(e.keys, e.value) for e in found] == [(("token",), "x1y2")]


@pytest.mark.parametrize("text", ["", "a,b\n", "name,user,uid\nx,y,1\n", "a b,c,d\n", "city,x,y\n"])
def test_another_table_has_none(text: str) -> None:
    """Too few cells, names of columns and words are no tokens."""
    assert not list(kubetokens.parse(text))


def test_a_huge_cell_is_refused() -> None:
    """The reader of tables stops at a cell that is too long."""
    with pytest.raises(FormatError):
        list(kubetokens.parse("k7abcd,a,1\n" + "x" * 200_000 + ",b,2\n"))
