"""String literals are found in the quotes of any language."""

from __future__ import annotations

import pytest

from checks.formats.literals import is_whole, literals


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("'a' \"b\" `c`", ["a", "b", "c"]),
        ('"a\\"b"', ['a"b']),
        ('f"a" rb\'b\' @"c"', ["a", "b", "c"]),
        ('"""a b"""', ["a b"]),
        ('"a" # "b"', ["a"]),
        ('"a" // "b"', ["a"]),
        ('"a # b"', ["a # b"]),
        ('x#y "a"', ["a"]),
        ('it\'s "a"', ["a"]),
        ("don't 'a' b", ["t "]),
        ('&\'a "b"', ["b"]),
        ('#define X "a"', ["a"]),
        ('"a', []),
        ("-- 'a'", []),
    ],
)
def test_literals_are_found(line: str, expected: list[str]) -> None:
    """In front of any comment, an unclosed quote hides nothing."""
    assert [literal.value for literal in literals(line)] == expected


@pytest.mark.parametrize(
    "line", ['"a" + b', 'f"{a}"', '"${a}"', '"a" % (b)', '"a" . $b', '"a".format(b)']
)
def test_composed_strings_are_not_whole(line: str) -> None:
    """Their value is not known."""
    assert not is_whole(line, next(literals(line)))


@pytest.mark.parametrize("line", ['"a"', '"a";', '"a".strip()', "'${a}'", 'f"a"', '"a", b', '"a")'])
def test_plain_strings_are_whole(line: str) -> None:
    """What stands behind does not change them."""
    assert is_whole(line, next(literals(line)))


def test_a_literal_does_not_show_its_body() -> None:
    """Not even in a traceback."""
    assert "hidden" not in repr(next(literals('"hidden"')))
