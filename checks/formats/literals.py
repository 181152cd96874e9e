"""Find the string literals on one line of source code, in whatever language."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats.quoting import c_unescape
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUOTES: Final = "\"'`"


def _scanner(quotes: str) -> re.Pattern[str]:
    """Find comments and what these marks quote; one that is never closed is found alone."""
    parts = [rf"{q * 3}[^{q}\\]*+{q * 3}|{q}[^{q}\\]*+(?:\\.[^{q}\\]*+)*+{q}|{q}" for q in quotes]
    return regex("|".join([*parts, "#", "//", r"/\*"]), re.DOTALL)


_SCANNERS: Final = {
    quotes: _scanner(quotes)
    for size in range(len(_QUOTES) + 1)
    for quotes in map("".join, combinations(_QUOTES, size))
}
_LEADING_COMMENT: Final = regex(r"[ \t]*+(?:--(?!\[)|\*(?=[\s/])|%|;;|[Rr][Ee][Mm] )")
_DIRECTIVE: Final = regex(r"#[ \t]*define\b")
_PREFIX: Final = regex(r"(?<![\w$])(?:[fFrRbBuULN]{1,2}|\$?@|@?\$|%[qQwW]?)\Z")
_MARKS: Final = frozenset("fFrRbBuULN@$qQwW")
_INTERPOLATED: Final = regex(r"\$\{|#\{|\\\(|\{\$|\$\(")
_COMPOSED: Final = regex(
    r"[ \t]*+(?:\+(?!\+)|%[ \t]*[\w({]|\.\.|\.[ \t]*[$'\"]|\.format\(|\.replace\(|<>"
    r"|&[ \t]*\w|\|\|[ \t]*\w)"
)


class Literal(NamedTuple):
    """A string literal: start and end of it with its quotes and prefix, and its body as written."""

    start: int
    end: int
    prefix: str
    quote: str
    body: str

    def __repr__(self) -> str:
        """Leave the body out."""
        return f"<Literal at {self.start}>"

    @property
    def value(self) -> str:
        """The body with its escapes decoded as far as most languages agree."""
        if "\\" not in self.body or self.prefix[:1] in {"r", "R", "@"}:
            return self.body
        if self.quote == '"':
            return c_unescape(self.body)
        return re.sub(r"\\(['\\`])", r"\1", self.body)


def literals(line: str) -> Iterator[Literal]:
    """Give the string literals in front of any comment."""
    if _LEADING_COMMENT.match(line):
        return
    quotes, at = _QUOTES, 0
    while found := _SCANNERS[quotes].search(line, at):
        at, text = found.end(), found[0]
        start = found.start()
        before = line[start - 1] if start else " "
        if (
            text in quotes
        ):  # not closed: nor is any further one, and each search would cost the line
            quotes = quotes.replace(text, "")
            continue
        if text in {"#", "//", "/*"}:
            if before in " \t;})" and not _DIRECTIVE.match(line, start):
                return
        elif text[0] == "'" and before in "&<":  # a lifetime of Rust
            at = start + 1
        else:
            yield _literal(line, found)


def _literal(line: str, found: re.Match[str]) -> Literal:
    text, start = found[0], found.start()
    size = 3 if len(text) > 5 and text[:3] in {'"""', "'''"} else 1
    mark = ""
    if (
        start
        and line[start - 1] in _MARKS
        and (prefix := _PREFIX.search(line, max(0, start - 3), start))
    ):
        mark = prefix[0]
    return Literal(start - len(mark), found.end(), mark, text[0], text[size:-size])


def is_whole(line: str, literal: Literal) -> bool:
    """Say whether the literal is the whole value: not interpolated, not glued to something."""
    if _COMPOSED.match(line, literal.end):
        return False
    if literal.prefix[:1] in {"f", "F", "$"} and "{" in literal.body:
        return False
    return literal.quote == "'" or not _INTERPOLATED.search(literal.body)
