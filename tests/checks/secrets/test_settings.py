"""Pairs of names and values are split in each notation."""

from __future__ import annotations

import time

import pytest

from checks.model import Role
from checks.secrets import settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1;b=2", [("a", "1"), ("b", "2")]),
        ("a=1&b=%26", [("a", "1"), ("b", "&")]),
        ("a=1,b=2", [("a", "1"), ("b", "2")]),
        ("a=1 b='x y'", [("a", "1"), ("b", "x y")]),
        ('a="x ""y"""', [("a", 'x "y"')]),
        ("a=1;b={x}}y}", [("a", "1"), ("b", "x}y")]),
        ('{"a": "x", "b" : "y\\u0041"}', [("a", "x"), ("b", "yA")]),
        ("x?a=1#b=2", [("a", "1")]),
        ("--a=1 --b=2", [("a", "1"), ("b", "2")]),
        ("a=1;b='c=2;d=3'", [("a", "1"), ("b", "c=2;d=3"), ("c", "2"), ("d", "3")]),
        ("a=1;b='c=2 d=3'", [("a", "1"), ("b", "c=2 d=3")]),
        ("a==1", []),
        ("plain", []),
    ],
)
def test_pairs_are_split(text: str, expected: list[tuple[str, str]]) -> None:
    """Values end where their notation ends them, quotes and escapes are undone."""
    assert [(pair.name, pair.value) for pair in settings.pairs(text)] == expected


def test_the_user_is_read_from_the_same_string() -> None:
    """Whatever it is called there."""
    for text in ("User Id=bob;x=y", "x=y; uid=bob", "a&username=bob", "login_user='bob'"):
        assert settings.user(text) == "bob"
    assert settings.user("superuser=bob") == ""


def test_some_names_are_certain() -> None:
    """They exist in one product's connection strings only."""
    found = list(settings.pairs("a=b;AccountKey=x=="))
    assert [(pair.value, pair.role) for pair in found] == [("b", Role.NAMED), ("x==", Role.SECRET)]


def test_a_pair_does_not_show_its_value() -> None:
    """Not even in a traceback."""
    assert "hidden" not in repr(next(settings.pairs("password=hidden")))


def test_the_auth_of_a_session_store_is_a_password() -> None:
    """In the query of an address; elsewhere it names a way to log in."""
    given = {p.value: p.role for p in settings.pairs("tcp://cache:6379?auth=Made9up8&x=1")}
    assert given["Made9up8"] is Role.SECRET
    other = {p.value: p.role for p in settings.pairs("https://h/?auth=basic&x=1")}
    assert other["basic"] is Role.NAMED


def test_an_option_in_brackets_is_a_pair() -> None:
    """As fail2ban hands options to its actions; an index is none."""
    (pair,) = settings.pairs('action[api_key="abc"]')
    assert (pair.name, pair.value) == ("api_key", "abc")
    assert list(settings.pairs("a[0]==b")) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name=a password=b state=present", True),
        ('A="b c" D={{ e }}', True),
        ("Server=a;User Id=b;Password=c", True),
        ("-Xmx1g -Da.password=b", True),
        ("password=b", False),
        ("set name=a password=b", False),
        ("user=<name>; password", False),
        ("a b=c d=e", False),
        ("", False),
    ],
)
def test_a_list_of_settings_is_known_by_having_nothing_else(text: str, *, expected: bool) -> None:
    """One pair alone may be anything, and a word among the pairs makes a sentence."""
    assert settings.is_only_pairs(text) is expected


@pytest.mark.parametrize("piece", ["a=b ", "a=", "-a ", "a b=c;", "a='", "a=b;"])
def test_a_hostile_list_costs_time_in_proportion(piece: str) -> None:
    """Whether it is one or not."""
    start = time.process_time()
    settings.is_only_pairs(piece * 100_000 + "\0 \0")
    assert time.process_time() - start < 2
