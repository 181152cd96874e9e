"""haproxy's words."""

from __future__ import annotations

import pytest

from checks.tls.syntax.haproxy import words


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", []),
        ("# comment", []),
        ("  a\tb  ", ["a", "b"]),
        ("a#b c", ["a"]),
        (r"a\ b \#c \\ \x41\n", ["a b", "#c", "\\", "A\n"]),
        ("'a b\\' \"c d\"e", ["a b\\", "c de"]),
        ('"" a', ["", "a"]),
        ("\"$A-${A}\" $A '$A'", ["v-v", "$A", "$A"]),
        ('"${NONE-x y} $NONE \\$A \\"q\\""', ['x y $NONE $A "q"']),
        ("\"a 'b c", ['"a', "'b", "c"]),
    ],
)
def test_words_are_split(line: str, found: list[str]) -> None:
    """By blanks outside of quotes and escapes, variables in double quotes alone."""
    assert words(line, {"A": "v"}) == found
