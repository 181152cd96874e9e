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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.levels import Event
    from checks.model import Entry

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

_COMMENT: Final = r"\#[^\n]*+|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/"
_PLAIN: Final = re.compile(
    r"""[ \t]*+([\w\-]++)[ \t]*+=[ \t]*+(?:"([^"\\\n$%]*+)"|(-?[\w.]++))"""
    r"""[ \t\r]*+(?:(?:\#|//)[^\n]*+)?+(?:\n|\Z)"""
)
"""A whole line of the usual kind; everything else takes the long way."""
_BLANK: Final = re.compile(rf"(?:[\s\ufeff,;]++|{_COMMENT})*+")
_SPACE: Final = re.compile(r"[ \t]*+")
_WORD: Final = re.compile(r"[\w\-.]++")
_SET: Final = re.compile(r"[ \t]*+[=:][ \t]*+(?![=>])")
_SIMPLE: Final = re.compile(r'"((?:[^"\\\n$%]++|\\.|[$%](?!\{))*+)"', re.DOTALL)
_INSIDE: Final = re.compile(r'\\.|\$\$\{|%%\{|["{}\n]|[$%]\{', re.DOTALL)
_HEREDOC: Final = re.compile(r"<<([-~]?)([\w\-]++)[ \t]*+\r?\n")
_FOR: Final = re.compile(r"[\[{]\s*+for\s")
_GAP: Final = re.compile(rf"(?:[ \t\r]++|{_COMMENT})++")
_TOKEN: Final = re.compile(r"[\w.\-]++|[^\w.\-]")
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

    def _refuse(self, reason: str) -> NoReturn:
        message = f"hcl {reason}"
        raise FormatError(message, self.line)

    def _member(self, top: _Open) -> Iterator[Event]:
        while found := self.take(_PLAIN):
            yield self._plain(found)
        self.take(_BLANK)
        if self.ended and not top.closer:
            self.nest.pop()
        elif top.closer and self.sees(top.closer):
            yield from self._close(top)
        else:
            yield from self._attribute()

    def _plain(self, found: re.Match[str]) -> Event:
        key, text, bare = found.groups()
        line = self.line - 1 if found[0].endswith("\n") else self.line
        return VALUE, key, bare if text is None else text, line, text is not None

    def _close(self, top: _Open) -> Iterator[Event]:
        self.at += 1
        self.nest.pop()
        line = self.line
        for _ in range(top.ends):
            yield END, None, "", line, False

    def _item(self, top: _Open) -> Iterator[Event]:
        self.take(_BLANK)
        if self.sees("]"):
            yield from self._close(top)
        else:
            self.nest.append(_Expression(None, self.at, self.line))

    def _attribute(self) -> Iterator[Event]:
        """Read `key =` up to its value, or the head of a block up to its brace."""
        line = self.line
        names = [self._name()]
        while not self.take(_SET):
            self.take(_SPACE)
            if self.sees("{"):
                self.at += 1
                for name in names:
                    yield MAP, name, "", line, False
                self.nest.append(_Open("}", len(names)))
                return
            names.append(self._name())
            if len(names) > _LABELS:
                self._refuse("has a block with too many labels")
        if len(names) > 1:
            self._refuse("has an attribute of several words")
        self.nest.append(_Expression(names[0], self.at, self.line))

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
        """Pass blanks, comments and the closers of the value's own brackets; say whether it ends."""
        in_list = isinstance(inside, _Open) and inside.closer == "]"
        while True:
            self.take(_GAP)
            if self.ended:
                if value.closers:
                    self._refuse("ends inside brackets")
                return True
            char = self.text[self.at]
            if value.closers and char == value.closers[-1]:
                value.closers.pop()
            elif char in ")]}":
                return True
            elif char == "\n" or char == ",":
                if not value.closers and (char == "," or not in_list):
                    return True
            else:
                return False
            self.at += 1
            value.end = self.at if char in ")]}" else value.end
