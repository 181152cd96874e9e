"""nginx's configuration language: directives and blocks, with their includes.

Source: ngx_conf_read_token, and https://nginx.org/en/docs/dev/development_guide.html#conf_parsing.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.syntax.reading import Kind, absolute, is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.syntax.reading import Reading

_TOKEN: Final = regex(
    r"""(?P<blank>[ \t\r\n]++|\#[^\n]*+)
    |(?P<mark>[;{}])
    |"(?P<double>(?:[^"\\]++|\\.)*+)"
    |'(?P<single>(?:[^'\\]++|\\.)*+)'
    |(?P<word>(?:\\.|\$\{?|[^ \t\r\n;{\\$"'])(?:(?>\\.|\$\{?|[^ \t\r\n;{\\$]++))*+)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE: Final = regex(r"\\([\"'\\trn])")
_ESCAPED: Final = {"t": "\t", "r": "\r", "n": "\n"}
_LUA: Final = regex(
    r"""--\[\[.*?(?:\]\]|\Z)|--[^\n]*+|\[\[.*?(?:\]\]|\Z)
    |"(?:[^"\\\n]++|\\.)*+"?|'(?:[^'\\\n]++|\\.)*+'?|[{}]""",
    re.DOTALL | re.VERBOSE,
)
_WORDS: Final = 10_000


class Directive(NamedTuple):
    """A name and its words where they stand; of a closing brace there are none."""

    kind: Kind
    words: tuple[str, ...]
    path: str
    line: int


class _File(NamedTuple):
    """A file being read, those that led to it, and how many blocks were open where it began."""

    above: tuple[str, ...]
    directives: Iterator[Directive]
    depth: int


def directives(reading: Reading, main: str) -> Iterator[Directive]:
    """Give all directives in the order in which nginx takes them; blocks are balanced."""
    prefix = posixpath.dirname(main)
    stack = _opened(reading, main, (), 0)
    depth = 0
    while stack:
        file = stack[-1]
        one = next(file.directives, None)
        if one is None:
            if depth > file.depth:
                reading.miss(f"{file.above[-1]}: a block does not end")
            for _ in range(depth - file.depth):
                yield Directive(Kind.CLOSES, (), file.above[-1], 0)
            depth = file.depth
            stack.pop()
        elif one.kind is Kind.CLOSES and depth <= file.depth:
            reading.miss(f"{one.path}:{one.line}: a brace closes nothing")
        elif one.kind is Kind.SIMPLE and one.words[0] == "include" and len(one.words) == 2:
            stack += _included(reading, absolute(prefix, one.words[1]), file.above, depth)[::-1]
        else:
            depth += (one.kind is Kind.OPENS) - (one.kind is Kind.CLOSES)
            yield one


def _included(reading: Reading, path: str, above: tuple[str, ...], depth: int) -> list[_File]:
    if not is_pattern(path):
        return _opened(reading, path, above, depth)
    return [file for one in reading.glob(path) for file in _opened(reading, one, above, depth)]


def _opened(reading: Reading, path: str, above: tuple[str, ...], depth: int) -> list[_File]:
    text = reading.text(path, above)
    if text is None:
        return []
    return [_File((*above, path), _directives(reading, path, text), depth)]


def _directives(reading: Reading, path: str, text: str) -> Iterator[Directive]:
    position, line, begun = 0, 1, 0
    words: list[str] = []
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            reading.miss(f"{path}:{line}: a quotation does not end")
            return
        begun = begun if words else line
        line += text.count("\n", position, token.end())
        position = token.end()
        kind, value = token.lastgroup, token[token.lastgroup or 0]
        if kind == "mark":
            if directive := _ended(value, words, path, begun):
                yield directive
            if value == "{" and words and words[0].endswith("_by_lua_block"):
                end = _after_lua(text, position)
                line += text.count("\n", position, end)
                position = end
            words = []
        elif kind != "blank" and len(words) < _WORDS:
            words.append(_ESCAPE.sub(_unescaped, value))
    if words:
        reading.miss(f"{path}:{begun}: a directive does not end")


def _ended(mark: str, words: list[str], path: str, line: int) -> Directive | None:
    if mark == "}":
        return Directive(Kind.CLOSES, (), path, line)
    if mark == "{":
        return Directive(Kind.OPENS, tuple(words) or ("",), path, line)
    return Directive(Kind.SIMPLE, tuple(words), path, line) if words else None


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPED.get(found[1], found[1])


def _after_lua(text: str, position: int) -> int:
    """Give the place of the brace that ends a block of Lua; the text's end where there is none."""
    depth = 1
    for found in _LUA.finditer(text, position):
        depth += (found[0] == "{") - (found[0] == "}")
        if not depth:
            return found.start()
    return len(text)
