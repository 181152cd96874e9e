"""HCL, versions 1 and 2: blocks with labels, attributes, maps, lists, heredocs.

A block is a mapping under its type and labels. A value that is one string is given decoded, with
`${...}` as written; any other expression is given as written, unless it holds a map or list, whose
values are given instead (`jsonencode({...})`, `merge(a, {...})`).
https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
"""

from __future__ import annotations

import re
from textwrap import dedent
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import templated, tree
from checks.formats.cursor import Cursor
from checks.formats.escapes import unescape
from checks.formats.levels import END, LIST, MAP, VALUE
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.levels import Event
    from checks.model import Entry

GENERIC: Final = True
NAMES: Final = (
    "*.hcl",
    "*.hcl.*",
    "*.nomad",
    "*.pkr.hcl",
    "*.tf",
    "*.tfvars",
    "*.tfvars.example",
    "*.tfvars.sample",
    ".terraformrc",
    "terraform.rc",
)

_COMMENT: Final = r"\#[^\n]*+|//[^\n]*+|/\*(?:(?>[^*]++|\*(?!/)))*+\*/"
_GAPS: Final = rf"(?:(?>[\s\ufeff,;]++|{_COMMENT}))*+"
_LABEL: Final = r"""(?:[ \t]++"([^"\\\n$%]*+)")?"""
_END: Final = r"[ \t\r]*+(?=\#|//|\n|\Z)"
_LINE: Final = regex(
    rf"""{_GAPS}(?:([\w\-]++)(?:[ \t]*+=[ \t]*+(?:"([^"\\\n$%]*+)"|(-?[\w.]++)"""
    rf"""|\[((?:(?>[ \t]*+"[^"\\\n$%]*+"[ \t]*+,?))++)[ \t]*+\])"""
    rf"""|{_LABEL}{_LABEL}[ \t]*+(=?)[ \t]*+(\{{)(?!\s*+for\s)(?=[ \t\r]*+\n)){_END}|(\}}))"""
)
"""A line of the usual kind with what stands before it; everything else takes the long way."""
_TEXT, _ROW, _SIGN, _HEAD, _BRACE = 2, 4, 7, 8, 9
_BLANK: Final = regex(_GAPS)
_SPACE: Final = regex(r"[ \t]*+")
_NAME: Final = regex(rf"[\w\-.{templated.LETTERS}]++|\([^()\n]*+\)|\$\{{[^{{}}\n]*+\}}")
_SET: Final = regex(r"[ \t]*+[=:][ \t]*+(?![=>])")
_SIMPLE: Final = regex(r'"((?:(?>[^"\\\n$%]++|\\.|[$%](?!\{)))*+)"', re.DOTALL)
_INSIDE: Final = regex(r'\\.|\$\$\{|%%\{|["{}\n]|[$%]\{', re.DOTALL)
_HEREDOC: Final = regex(r"<<([-~]?)([\w\-]++)[ \t]*+\r?\n")
_FOR: Final = regex(r"[\[{]\s*+for\s")
_GAP: Final = regex(rf"(?:(?>[ \t\r]++|{_COMMENT}))++")
_TOKEN: Final = regex(r"[\w.\-]++|[^\w.\-]")
_CLOSER: Final = {"(": ")", "[": "]", "{": "}"}
_LABELS: Final = 16


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of an HCL text; raises FormatError where it stops being HCL."""
    return templated.entries(text, lambda given: _Reader(given).events())


class _Open:
    """A container that is open: what closes it and how many levels end with it."""

    __slots__ = ("closer", "ends")

    def __init__(self, closer: str, ends: int) -> None:
        self.closer = closer
        self.ends = ends


class _Expression:
    """A value that is being read.

    start, end: offsets of what was read; tokens: how many; only: its text where it is one string;
    closers: what its own brackets wait for; opened: whether values inside it were given.
    """

    __slots__ = ("closers", "end", "key", "line", "only", "opened", "start", "tokens")

    def __init__(self, key: str | None, start: int, line: int) -> None:
        self.key = key
        self.line = line
        self.start = start
        self.end = start
        self.tokens = 0
        self.only: str | None = None
        self.closers: list[str] = []
        self.opened = False


class _Reader(Cursor):
    """The text and the containers and expressions that are open, innermost last."""

    __slots__ = ("nest",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nest: list[_Open | _Expression] = [_Open("", 0)]

    def events(self) -> Iterator[Event]:
        """Give the events of the text."""
        while self.nest:
            top = self.nest[-1]
            if isinstance(top, _Expression):
                yield from self._expression(top)
            elif top.closer == "]":
                yield from self._item(top)
            else:
                yield from self._member(top)

    def _refusal(self, reason: str) -> FormatError:
        message = f"hcl {reason}"
        return FormatError(message, self.line)

    def _member(self, top: _Open) -> Iterator[Event]:
        while found := _LINE.match(self.text, self.at):
            which = found.lastindex or 0
            if which == _BRACE and not top.closer:
                raise self._refusal("closes a block that is not open")
            self.at = found.end()
            if which < _ROW:
                yield VALUE, found[1], found[which], self.line, which == _TEXT
            elif which == _ROW:
                yield from self._row(found[1], found[_ROW])
            elif which == _HEAD:
                yield from self._head(found)
                return
            else:
                yield from self._close(top)
                return
        self.take(_BLANK)
        if self.ended and not top.closer:
            self.nest.pop()
        else:
            yield from self._attribute()

    def _row(self, key: str, items: str) -> Iterator[Event]:
        """Give a list of plain strings; every second piece between quotes is one."""
        line = self.line
        yield LIST, key, "", line, False
        for text in items.split('"')[1::2]:
            yield VALUE, None, text, line, True
        yield END, None, "", line, False

    def _head(self, found: re.Match[str]) -> Iterator[Event]:
        """Begin a block, or a map that is a value and may be part of an expression."""
        if found[_SIGN]:
            value = _Expression(found[1], self.at, self.line)
            value.opened = True
            self.nest.append(value)
        yield from self._block([name for name in found.group(1, 5, 6) if name is not None])

    def _close(self, top: _Open) -> Iterator[Event]:
        self.nest.pop()
        line = self.line
        for _ in range(top.ends):
            yield END, None, "", line, False

    def _item(self, top: _Open) -> Iterator[Event]:
        self.take(_BLANK)
        if self.sees("]"):
            self.at += 1
            yield from self._close(top)
        else:
            self.nest.append(_Expression(None, self.at, self.line))

    def _attribute(self) -> Iterator[Event]:
        """Read `key =` up to its value, or the head of a block up to its brace."""
        names = [self._name()]
        while not self.take(_SET):
            self.take(_SPACE)
            if self.sees("{"):
                self.at += 1
                yield from self._block(names)
                return
            names.append(self._name())
            if len(names) > _LABELS:
                raise self._refusal("has a block with too many labels")
        if len(names) > 1:
            raise self._refusal("has an attribute of several words")
        self.nest.append(_Expression(names[0], self.at, self.line))

    def _block(self, names: list[str]) -> Iterator[Event]:
        line = self.line
        for name in names:
            yield MAP, name, "", line, False
        self.nest.append(_Open("}", len(names)))

    def _name(self) -> str:
        if self.sees('"'):
            return self._quoted()
        return self.need(_NAME, "hcl name expected")[0]

    def _expression(self, value: _Expression) -> Iterator[Event]:
        """Read on until the value ends or a map or list begins in it."""
        inside = self.nest[-2]
        while not self._ends(value, inside):
            value.tokens += 1
            if self.sees('"'):
                value.only = self._quoted()
            elif self.sees("<") and (found := self.take(_HEREDOC)):
                value.opened = True
                yield self._heredoc(value, found)
            elif (char := self.text[self.at]) in "([{":
                if self._begins(value, char):
                    value.opened = True
                    yield MAP if char == "{" else LIST, value.key, "", self.line, False
                    self.nest.append(_Open(_CLOSER[char], 1))
                    self.at += 1
                    return
                self._bracket(value, char)
            else:
                self.need(_TOKEN, "hcl value expected")
            value.end = self.at
        yield from self._done(value)

    def _ends(self, value: _Expression, inside: _Open | _Expression) -> bool:
        """Pass blanks and the closers of the value's own brackets; say whether it ends."""
        in_list = isinstance(inside, _Open) and inside.closer == "]"
        while True:
            self.take(_GAP)
            if self.ended:
                if value.closers:
                    raise self._refusal("ends inside brackets")
                return True
            char = self.text[self.at]
            if value.closers and char == value.closers[-1]:
                value.closers.pop()
            elif char in ")]}":
                return True
            elif char in {"\n", ","}:
                if not value.closers and (char == "," or not in_list):
                    return True
            else:
                return False
            self.at += 1
            value.end = self.at if char in ")]}" else value.end

    def _begins(self, value: _Expression, char: str) -> bool:
        """Tell a map or list from a call, an index and a `for` expression."""
        if char == "(" or _FOR.match(self.text, self.at):
            return False
        before = self.text[self.at - 1] if value.tokens > 1 and self.at == value.end else ""
        return char == "{" or not (before.isalnum() or before in {"_", ")", "]", '"'})

    def _bracket(self, value: _Expression, char: str) -> None:
        if len(value.closers) >= tree.DEPTH:
            raise self._refusal(f"nested deeper than {tree.DEPTH}")
        value.closers.append(_CLOSER[char])
        self.at += 1

    def _done(self, value: _Expression) -> Iterator[Event]:
        self.nest.pop()
        if value.opened:
            return
        if not value.tokens:
            raise self._refusal("value expected")
        if value.tokens == 1 and value.only is not None:
            yield VALUE, value.key, value.only, value.line, True
        else:
            raw = self.text[value.start : value.end]
            yield VALUE, value.key, raw, value.line, False

    def _heredoc(self, value: _Expression, found: re.Match[str]) -> Event:
        first, start = self.line, self.at
        end = self._marked(found[2])
        text = self.text[start:end].removesuffix("\n").removesuffix("\r")
        return VALUE, value.key, dedent(text) if found[1] else text, first, True

    def _marked(self, marker: str) -> int:
        """Move past the line that holds MARKER alone and give the offset where it begins."""
        while not self.ended:
            start = self.at
            end = self.text.find("\n", start)
            self.at = len(self.text) if end < 0 else end
            if self.text[start : self.at].strip() == marker:
                return start
            self.at += 1
        raise self._refusal("heredoc does not end")

    def _quoted(self) -> str:
        """Read a string; quotes inside `${...}` are its own."""
        simple = self.take(_SIMPLE)
        if simple:
            return unescape(simple[1])
        nest = ['"']
        start = self.at + 1
        for found in _INSIDE.finditer(self.text, start):
            what = found[0]
            if what == nest[-1]:
                nest.pop()
                if not nest:
                    self.at = found.end()
                    return unescape(self.text[start : found.start()])
            elif what == "\n" and nest[-1] == '"':
                break
            elif what in {"${", "%{"} or (what in {'"', "{"} and nest[-1] == "}"):
                nest.append('"' if what == '"' else "}")
        raise self._refusal("string does not end")
