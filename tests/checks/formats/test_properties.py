"""Credentials planted in Java properties are read back to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.formats import properties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

PLANTED = [
    (
        "application.properties",
        "a=b\nspring.datasource.password=@@\n",
        "java",
        ("spring.datasource.password",),
    ),
    ("application-prod.properties", "db.password : @@\n", "java", ("db.password",)),
    ("gradle.properties", "db.password @@\n", "java", ("db.password",)),
    ("log4j.properties", "x=a\\\n  b\ndb\\:password=@@\n", "java", ("db:password",)),
]


@pytest.mark.parametrize("row", PLANTED)
def test_a_planted_credential_is_read_to_the_letter(
    misread: Callable[[ModuleType, Sequence[object]], list[object]], row: tuple[object, ...]
) -> None:
    """Every credential comes out once, exact, under its keys and at its line."""
    assert misread(properties, row) == []


@pytest.mark.parametrize("template", [row[1] for row in PLANTED])
def test_a_text_that_is_commented_out_gives_nothing(
    commented: Callable[[ModuleType, str, str], list[object]], template: str
) -> None:
    """No comment is taken for a setting."""
    assert commented(properties, template, "# ") == []


def test_continuation_and_escapes_follow_java() -> None:
    r"""A trailing backslash joins, \u makes characters, half a pair becomes U+FFFD."""
    entries = list(properties.parse("a=b\\\n   c\nd\\ e=\\u0041\\ud83d\\ude00\\ud800\n! x=y\n"))
    assert [(entry.keys, entry.value, entry.line) for entry in entries] == [
        (("a",), "bc", 1),
        (("d e",), "A\U0001f600\ufffd", 3),
    ]


def test_a_login_module_stays_whole() -> None:
    """The value of sasl.jaas.config is given in one piece for others to read."""
    value = 'a.PlainLoginModule required username="u" password="x";'
    [entry] = properties.parse(f"sasl.jaas.config={value}\n")
    assert entry.value == value
