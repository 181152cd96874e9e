"""Tables of an inventory that a spreadsheet opens and does not run."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.joining import joined
from agent.output import inventorycsv

if TYPE_CHECKING:
    from agent.inventory import Gathered, Inventory

FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


@pytest.fixture
def inventory(gathered: Gathered) -> Inventory:
    return joined(gathered)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_one_table_holds_all_kinds(inventory: Inventory) -> None:
    """The kind stands first; every row is as wide as the head, every line ends as RFC 4180 says."""
    text = "".join(inventorycsv.render(inventory))
    found = rows(text)
    kinds = [row["kind"] for row in found]
    assert list(dict.fromkeys(kinds)) == [*inventorycsv.TABLES]
    assert {len(row) for row in csv.reader(io.StringIO(text))} == {len(found[0])}
    assert text.count("\r\n") == text.count("\n") == len(found) + 1
    assert {(row["host"], row["taken"]) for row in found} == {("web1", "2026-06-01T12:00:00+00:00")}


@pytest.mark.parametrize("name", inventorycsv.TABLES)
def test_a_table_of_one_kind_says_the_same(inventory: Inventory, name: str) -> None:
    """With the columns of that kind only."""
    whole = [r for r in rows("".join(inventorycsv.render(inventory))) if r["kind"] == name]
    part = rows("".join(inventorycsv.table(inventory, name)))
    assert part
    assert part == [{key: row[key] for key in part[0]} for row in whole]
    assert [*part[0]] == ["host", "taken", *inventorycsv.TABLES[name]]


def test_an_auditor_finds_what_the_standard_asks_for(inventory: Inventory) -> None:
    """Issuer, end, strength, where used and key of certificates; purpose of suites; custodians."""
    tables = {name: rows("".join(inventorycsv.table(inventory, name))) for name in ("certificates",
              "keys", "suites")}  # fmt: skip
    served = tables["certificates"][1]
    assert (served["issuer"], served["not_after"]) == ("CN=Test CA", "2026-07-31T12:00:00+00:00")
    assert (served["days_left"], served["key"]) == ("60", "EC secp256r1")
    assert served["used_by"] == "tls://127.0.0.1:443/a.example"
    assert served["key_path"] == "/etc/copy/a.key; /etc/ssl/a.key"
    assert tables["certificates"][0]["days_left"] == "-2"
    suite = tables["suites"][0]
    assert (suite["protocol"], suite["suite"]) == ("TLS 1.3", "TLS_AES_256_GCM_SHA384")
    assert (suite["bits"], suite["purpose"]) == ("256", "https by nginx, nginx.service")
    key = next(row for row in tables["keys"] if row["path"] == "/etc/ssl/a.key")
    assert (key["owner"], key["group"], key["mode"]) == ("root", "www-data", "0640")
    assert (key["readers"], key["proved"], key["encrypted"]) == ("group", "yes", "no")


def test_what_was_not_looked_at_is_a_row(inventory: Inventory) -> None:
    """A table that is not whole says so itself."""
    found = [
        r for r in rows("".join(inventorycsv.render(inventory))) if r["kind"] == "not-looked-at"
    ]
    assert [(row["path"], row["reason"]) for row in found] == [
        ("tls://127.0.0.1:1", "no TLS seen"),
        ("/etc/secret", "permission denied"),
    ]


def _pieces(cell: str) -> list[str]:
    """Give a cell and what it falls into where a reader cuts at something else than commas."""
    return [cell, *re.split(r"[;,|\"]", cell)]


@given(
    st.text(alphabet=st.sampled_from([*FORMULA, *";,|\"' a1(!", "\n", "\0", "\udcff", "\u202e"]))
)
def test_no_text_becomes_a_formula(value: str) -> None:
    """Neither as a cell nor as a part of one; nothing in it ends a row or moves a cursor."""
    text = inventorycsv._line((value, "next"))
    ((cell, following),) = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert following == "next"
    assert not any(piece.lstrip(" ").startswith(FORMULA) for piece in _pieces(cell))
    assert not re.search(r"[\x00-\x1f\x7f\udc80-\udcff\u202e]", cell)


def test_a_hostile_path_is_no_formula(inventory: Inventory) -> None:
    """The one in the inventory would start a program."""
    (key,) = [
        row for row in rows("".join(inventorycsv.table(inventory, "keys"))) if "calc" in row["path"]
    ]
    assert key["path"].startswith("/etc/x/=cmd|' /C calc'!A0;'=1+1\\x1b[2J\\n")


def test_plain_text_stays_as_it_is() -> None:
    """Signs inside of words and numbers of ours are no formula."""
    told = ("CN=a,O=b-c", "tls://127.0.0.1:443", "a@example.org", -3, None, True, ("x", "y"))
    text = inventorycsv._line(told)
    assert (
        text == '"CN=a,O=b-c","tls://127.0.0.1:443","a@example.org","-3","unknown","yes","x; y"\r\n'
    )
