"""Backslash escapes give the character they stand for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats.escapes import unescape


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\tb\nc\\d\"e\/f", 'a\tb\nc\\d"e/f'),
        (r"\u0041\x42\U0001f600\ud83d\ude00", "AB\U0001f600\U0001f600"),
        ("one \\\n   two", "one two"),
        (r"\q", "q"),
    ],
)
def test_each_notation_is_decoded(raw: str, text: str) -> None:
    """JSON, JSON5, TOML and HCL escapes are read by one function."""
    assert unescape(raw) == text


@pytest.mark.parametrize("raw", [r"\ud800", r"\U00110000", r"\udfff x"])
def test_a_code_that_is_no_character_is_replaced(raw: str) -> None:
    """The text can be encoded whatever the escape says."""
    assert unescape(raw)[0] == "\ufffd"


@given(st.text())
def test_json_strings_come_back(text: str) -> None:
    """What json writes is read back to the letter."""
    assert unescape(json.dumps(text)[1:-1]) == text


@given(st.text(alphabet="\\uUxdD8c0f\n \t\"'"))
def test_no_text_is_refused(raw: str) -> None:
    """Any row of backslashes gives a text that can be encoded."""
    assert unescape(raw).encode().decode() == unescape(raw)
