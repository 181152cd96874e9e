"""What a terminal would obey or hide is shown instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.printable import printable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\tc\x7f", r"a\nb\tc\x7f"),
        ("a\u202eb\u2066\u200b", r"a\u202eb\u2066\u200b"),
        ("a\udcffb", r"a\xffb"),
        ("a\ud800b", r"a\ud800b"),
        ("\x9b1m", r"\x9b1m"),
        ("x" * 10, "x" * 8 + "…"),
    ],
)
def test_hostile_text_is_escaped(hostile: str, shown: str) -> None:
    """Controls, invisible formatting and odd bytes are escaped; a long text is cut."""
    assert printable(hostile, longest=8 if len(set(hostile)) == 1 else 99) == shown


@pytest.mark.parametrize("usual", ["", "a b/c.txt", "größe-文件.env", "100% \\ 'x' \"y\""])
def test_usual_text_stays(usual: str) -> None:
    """Names in any script stay as they are."""
    assert printable(usual) == usual


@given(st.text(st.characters()))
def test_result_encodes_and_is_stable(text: str) -> None:
    """Whatever comes in, UTF-8 comes out, and showing it again changes nothing."""
    shown = printable(text)
    shown.encode("utf-8")
    assert printable(shown, longest=len(shown)) == shown
