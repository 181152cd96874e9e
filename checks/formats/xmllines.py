"""Find on which line each attribute of an XML start tag stands: expat gives only the tag's own."""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from checks.lazy import regex

_TAG: Final = regex(r"<[^\s/>]++")
_ATTRIBUTE: Final = regex(r"\s++[^\s=/>]++\s*+=\s*+(\"[^\"]*+\"|'[^']*+')")


class AttributeLines:
    """The lines of attributes in one text; linear as long as each tag is asked for once."""

    def __init__(self, text: str) -> None:
        """Keep the text; nothing is cut before the first tag of several lines."""
        self._text = text
        self._starts: list[int] = []

    def of_tag(self, line: int, column: int, count: int) -> list[int]:
        """Give the lines of COUNT attributes of the tag at a 1-based line and 0-based column.

        Where the text there is no such tag, all stand on LINE.
        """
        at = self._start(line) + column
        tag = _TAG.match(self._text, at)
        found: list[int] = []
        place = tag.end() if tag else len(self._text)
        while len(found) < count and (attribute := _ATTRIBUTE.match(self._text, place)):
            line += self._text.count("\n", place, attribute.start(1))
            found.append(line)
            line += self._text.count("\n", attribute.start(1), attribute.end())
            place = attribute.end()
        return found + [line] * (count - len(found))

    def _start(self, line: int) -> int:
        if not self._starts:
            lengths = (len(row) + 1 for row in self._text.split("\n"))
            self._starts = list(accumulate(lengths, initial=0))
        return self._starts[min(line, len(self._starts)) - 1]
