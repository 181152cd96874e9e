"""Split text of `words ...;` and `words { ... }` into statements (nginx, BIND, dhcpd, JAAS)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.formats import quoting
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_DEPTH: Final = 64
_NAME_LENGTH: Final = 120
_TOKEN: Final = regex(
    rf"""\s++|(?P<comment>\#[^\n]*+)
    |(?P<quoted>{quoting.DOUBLE}|{quoting.SINGLE})(?=[\s;{{}})]|\Z)
    |(?P<punctuation>[{{}};])
    |(?P<pair>[\w.\-]++=)(?P<value>{quoting.DOUBLE}|{quoting.SINGLE})(?=[\s;]|\Z)
    |(?P<word>(?:\$\{{|\\.|[^\s;{{\\])++)
    |.""",
    re.DOTALL | re.VERBOSE,
)


class Token(NamedTuple):
    """One word without its quotes, and the line it starts on."""

    text: str
    quoted: bool
    line: int

    def __repr__(self) -> str:
        """Leave the text out: a word may hold a secret."""
        return f"<Token line {self.line}>"


class Statement(NamedTuple):
    """The words up to a semicolon or an opening brace, and the blocks they stand in."""

    path: tuple[str, ...]
    words: list[Token]
    opens: bool


def _unquoted(text: str) -> str:
    word = quoting.unquote(text)
    return word.text if word else text


def _comment_end(text: str, offset: int) -> int:
    """Give the end of a C comment that starts at OFFSET, or OFFSET when there is none."""
    if text.startswith("//", offset):
        end = text.find("\n", offset)
        return len(text) if end < 0 else end
    if text.startswith("/*", offset):
        end = text.find("*/", offset + 2)
        return len(text) if end < 0 else end + 2
    return offset


def _tokens(text: str, *, c_comments: bool) -> Iterator[Token | str]:
    """Give words as tokens, and braces and semicolons as strings; skip comments."""
    offset, line = 0, 1
    while offset < len(text):
        start = offset
        if c_comments and text[offset] == "/":
            offset = _comment_end(text, offset)
        if offset == start:
            found = _TOKEN.match(text, offset)
            if found is None:
                return
            offset = found.end()
            token = _token(found, line)
            if token is not None:
                yield token
        line += text.count("\n", start, offset)


def _token(found: re.Match[str], line: int) -> Token | str | None:
    """Turn a match into a word or a mark; None for white space and comments."""
    kind = found.lastgroup
    if kind == "word":
        return Token(found[0], quoted=False, line=line)
    if kind == "punctuation":
        return found[0]
    if kind == "quoted":
        return Token(_unquoted(found[0]), quoted=True, line=line)
    if kind == "value":
        return Token(found["pair"] + _unquoted(found["value"]), quoted=True, line=line)
    return None


def statements(text: str, *, c_comments: bool = False) -> Iterator[Statement]:
    """Give every statement in order; raises FormatError when blocks are nested too deep."""
    path: tuple[str, ...] = ()
    words: list[Token] = []
    for item in _tokens(text, c_comments=c_comments):
        if isinstance(item, Token):
            words.append(item)
            continue
        if words:
            yield Statement(path, words, item == "{")
        if item == "{":
            if len(path) >= _MOST_DEPTH:
                raise FormatError("blocks are nested too deep", words[0].line if words else 0)
            path = (*path, " ".join(word.text for word in words[:4])[:_NAME_LENGTH])
        elif item == "}":
            path = path[:-1]
        words = []
    if words:
        yield Statement(path, words, opens=False)
