"""Each attribute of a tag gets the line it stands on."""

from __future__ import annotations

from checks.formats.xmllines import AttributeLines


def test_attributes_on_lines_of_their_own() -> None:
    """Values may go over several lines and hold what looks like an attribute."""
    lines = AttributeLines("<a>\n <b c='1'\n d=\"x\ne='2'\"\n  f = '3'/>\n</a>")
    assert lines.of_tag(2, 1, 3) == [2, 3, 5]


def test_a_place_without_a_tag_gives_its_own_line() -> None:
    """A text that does not agree is no reason to fail."""
    assert AttributeLines("abc\n").of_tag(1, 1, 2) == [1, 1]
    assert AttributeLines("").of_tag(9, 4, 1) == [9]
