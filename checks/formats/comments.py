"""Read settings that are commented out: they were in use before, or are in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import lines
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.model import Entry

_SETTING: Final = regex(
    r"(?m)^[ \t]*(?:[#;!]|//|<!--)[#;/ \t]{0,8}(?:-[ \t]{1,4})?"
    r"(?:(?:export|set|SET|ENV|ARG|SetEnv)[ \t]{1,4})?"
    r"([\"']?[A-Za-z_@][\w.\-]{1,80}+[\"']?[ \t]{0,8}[:=][ \t]{0,8}"
    r"(?:\"[^\"\n]{1,200}+\"|'[^'\n]{1,200}+'|[^\s=:\"']\S{0,200}+)[ \t]*[,;]?"
    r"|<[A-Za-z][^\n]{0,2000}+)[ \t\r]*$"
)
"""A mark and one assignment or one element, and nothing else: a sentence has more words."""
MARK: Final = regex(r"[ \t]*(?://|#(?!\s*define)|/\*|\*(?!/))[#/* \t]*")
"""What begins a line of source code that is commented out."""
_MOST: Final = 1000
"""So many commented settings are read of one text."""
_LONGEST: Final = 64 * 1024
"""A comment of XML is looked at so far."""


def parse(text: str) -> Iterator[Entry]:
    """Give the settings of commented lines, and of XML those in comments of several lines.

    Never fails; stops after many.
    """
    number, at = 1, 0
    for count, found in enumerate(_SETTING.finditer(text)):
        if count >= _MOST:
            return
        number += text.count("\n", at, found.start(1))
        at = found.start(1)
        yield from lines.parse_line(found[1].rstrip("\r ").removesuffix("-->"), number)
    if "<!--" in text:
        yield from _in_blocks(text)


def _in_blocks(text: str) -> Iterator[Entry]:
    """Give what the second and further lines of a comment of XML set."""
    number = 1
    at = end = 0
    for _ in range(_MOST):
        start = text.find("<!--", end)
        if start < 0:
            return
        number += text.count("\n", at, start)
        at = start
        end = text.find("-->", start, start + _LONGEST)
        end = end if end >= 0 else start + 4
        for further, row in enumerate(text[start:end].split("\n")[1:], number + 1):
            if row.lstrip()[:1] == "<":
                yield from lines.parse_line(row, further)
