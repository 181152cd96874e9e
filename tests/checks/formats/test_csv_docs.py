"""Tables give the cells of columns that are named like a credential."""

from __future__ import annotations

import random
import time

import pytest

from checks.errors import FormatError
from checks.formats import csv_docs

LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"


def made(seed: int, special: str = "!#%&*@^.~+_?/:<>()[]{}") -> str:
    """Make a value with special characters that begins and ends with a letter."""
    rng = random.Random(seed)
    return f"k{''.join(rng.choices(LETTERS + special, k=12))}Z"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["password", "Login Password", "api_token", "Client Secret"])
def test_cells_of_a_named_column_are_given(separator: str, name: str) -> None:
    """With the column's name, the row's line and its user."""
    value, quoted = made(1), made(2) + separator + "x"
    rows = [["user", name, "note"], ["bob", value, ""], ["eve", f'"{quoted}"', "y"]]
    text = "\ufeff" + "\r\n".join(separator.join(row) for row in rows) + "\r\n"
    found = list(csv_docs.parse(text))
    assert [(e.keys, e.value, e.line, e.subject) for e in found] == [
        ((name,), value, 2, "bob"),
        ((name,), quoted, 3, "eve"),
    ]


def test_a_row_over_several_lines_stands_at_its_first() -> None:
    """A quoted line end does not shift what follows."""
    text = f'name,password\n"a\nb",{made(3)}\nc,{made(4)}\n'
    assert [(e.value, e.line) for e in csv_docs.parse(text)] == [(made(3), 2), (made(4), 4)]


@pytest.mark.parametrize(
    "header",
    ["id,passengers,pass_rate,passport", "key,en,de", "password", ""],
)
def test_other_tables_give_nothing(header: str) -> None:
    """Words that only begin like a credential, one column, no header."""
    assert list(csv_docs.parse(f"{header}\n{made(5)},{made(6)},{made(7)}\n")) == []


def test_a_huge_cell_is_an_error_with_its_line() -> None:
    """The rows in front of it are given."""
    text = f"user,password\nx,{made(8)}\ny,{'z' * 200_000}\n"
    rows = csv_docs.parse(text)
    assert next(rows).value == made(8)
    with pytest.raises(FormatError):
        list(rows)


def test_a_quote_that_is_never_closed_costs_no_more_than_its_text() -> None:
    """Nor do many of them."""
    start = time.perf_counter()
    for text in ('user,password\n"' * 20_000, "user,password\n" + '"",' * 100_000):
        try:
            assert len(list(csv_docs.parse(text))) < 50_000
        except FormatError:
            continue
    assert time.perf_counter() - start < 5
