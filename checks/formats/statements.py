"""Split text of `words ...;` and `words { ... }` into statements (nginx, BIND, dhcpd, JAAS)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.formats import quoting

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_DEPTH: Final = 64
_NAME_LENGTH: Final = 120
_TOKEN: Final = re.compile(
    rf"""\s++|(?P<comment>\#[^\n]*+)
    |(?P<quoted>{quoting.DOUBLE}|{quoting.SINGLE})(?=[\s;{{}})]|\Z)
    |(?P<punctuation>[{{}};])
    |(?P<pair>[\w.\-]++=)(?P<value>{quoting.DOUBLE}|{quoting.SINGLE})(?=[\s;]|\Z)
    |(?P<word>(?:\$\{{|\\.|[^\s;{{\\])++)
    |.""",
    re.DOTALL | re.VERBOSE,
)
_LINE_COMMENT: Final = re.compile(r"[^\n]*+")


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


class _Scanner:
    """Gives tokens with their lines; skips comments, those of C where they are allowed."""

    def __init__(self, text: str, *, c_comments: bool) -> None:
        self._text = text
        self._c_comments = c_comments
        self._line = 1

    def _skip(self, offset: int) -> int:
        """Give the end of a C comment that starts at OFFSET, or OFFSET when there is none."""
        if not self._c_comments or self._text[offset] != "/":
            return offset
        if self._text.startswith("//", offset):
            found = _LINE_COMMENT.match(self._text, offset)
            return found.end() if found else offset
        if not self._text.startswith("/*", offset):
            return offset
        end = self._text.find("*/", offset + 2)
        return len(self._text) if end < 0 else end + 2

    def tokens(self) -> Iterator[Token | str]:
        """Give words as tokens, and braces and semicolons as strings."""
        offset = 0
        while offset < len(self._text):
            start, offset = offset, self._skip(offset)
            if offset == start:
                found = _TOKEN.match(self._text, offset)
                if found is None:
                    return
                token = self._token(found)
                if token is not None:
                    yield token
                offset = found.end()
            self._line += self._text.count("\n", start, offset)

    def _token(self, found: re.Match[str]) -> Token | str | None:
        if found["punctuation"]:
            return found["punctuation"]
        if found["quoted"]:
            return Token(_unquoted(found["quoted"]), quoted=True, line=self._line)
        if found["pair"]:
            return Token(found["pair"] + _unquoted(found["value"]), quoted=True, line=self._line)
        return Token(found["word"], quoted=False, line=self._line) if found["word"] else None


def statements(text: str, *, c_comments: bool = False) -> Iterator[Statement]:
    """Give every statement in order; raises FormatError when blocks are nested too deep."""
    path: tuple[str, ...] = ()
    words: list[Token] = []
    for item in _Scanner(text, c_comments=c_comments).tokens():
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
