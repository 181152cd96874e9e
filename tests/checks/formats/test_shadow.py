"""Hashes of account files come out with their account; locked accounts give nothing."""

from __future__ import annotations

import random

import pytest

from checks.formats import shadow
from checks.model import Role


def _hash() -> str:
    rng = random.Random(7)
    return (
        "$6$" + "".join(rng.choices("abcdef", k=8)) + "$" + "".join(rng.choices("./AZaz09", k=86))
    )


@pytest.mark.parametrize(
    "line",
    [
        "u:{}:19000:0:99999:7:::",
        "u:{}:1000:1000::/home/u:/bin/sh",
        "u:{}:::0:0:x:/:/bin/sh",
        "u:{}::a,b",
    ],
)
def test_a_hash_comes_out_with_its_account(line: str) -> None:
    """shadow, passwd, master.passwd and gshadow have it in the second field."""
    value = _hash()
    [entry] = shadow.parse("# x\n" + line.format(value) + "\n")
    assert (entry.keys, entry.value, entry.line, entry.role) == (("u",), value, 2, Role.HASH)
    assert entry.subject == "u"


@pytest.mark.parametrize("locked", ["!", "*", "x", "!!", "!*", "*LK*"])
def test_a_locked_account_gives_nothing(locked: str) -> None:
    """No hash, no entry."""
    assert list(shadow.parse(f"u:{locked}:19000:0:99999:7:::\n")) == []


def test_an_account_without_password_gives_an_empty_value() -> None:
    """An empty field of shadow is told; of gshadow it means that there is no password to join."""
    [entry] = shadow.parse("u::19000:0:99999:7:::\n")
    assert (entry.value, entry.role) == ("", Role.HASH)
    assert list(shadow.parse("g:::a,b\n")) == []


def test_earlier_hashes_are_given_one_by_one() -> None:
    """The history of pam_pwhistory has several hashes in a line."""
    value = _hash()
    entries = list(shadow.parse(f"u:1000:2:{value},{value}\n"))
    assert [entry.keys for entry in entries] == [("u", "[0]"), ("u", "[1]")]
    assert {entry.value for entry in entries} == {value}
