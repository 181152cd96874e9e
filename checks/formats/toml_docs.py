"""TOML with lines kept: tables, dotted keys, strings of four kinds, arrays and inline tables.

Tolerant: keys may repeat, and a bare value (a number, a date, a word) is given as written.
https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import templated
from checks.formats.cursor import Cursor
from checks.formats.escapes import unescape
from checks.formats.levels import END, LIST, MAP, VALUE
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from checks.formats.levels import Event
    from checks.model import Entry

GENERIC: Final = True
NAMES: Final = (
    "*.toml",
    "*.toml.*",
    ".cargo/config",
    ".cargo/credentials",
    "containers.conf",
    "pipfile",
    "registries.conf",
    "storage.conf",
    "telegraf.conf",
    "telegraf.d/*.conf",
)

_GAP: Final = r"(?:[\s\ufeff]++|\#[^\n]*+)*+"
_EOL: Final = r"[ \t\r]*+(?:\#[^\n]*+)?+(?=\n|\Z)"
_LINE: Final = regex(
    rf"""{_GAP}(?:([\w\-]++)[ \t]*+=[ \t]*+(?:"([^"\\\n]*+)"|'([^'\n]*+)'"""
    rf"""|([^\s"'\[\]{{}},#=]++)|\[((?:(?>[ \t]*+"[^"\\\n]*+"[ \t]*+,?))++[ \t]*+)\])"""
    rf"""|\[\[?([\w\-.]++)\]\]?){_EOL}"""
)
"""A line of the usual kind with what stands before it; everything else takes the long way."""
_BARE_VALUE, _ROW, _TABLE = 4, 5, 6
_BLANK: Final = regex(_GAP)
_KEY: Final = regex(rf"""([\w\-{templated.LETTERS}]++)|"((?:[^"\\\n]++|\\.)*+)"|'([^'\n]*+)'""")
_DOT: Final = regex(r"[ \t]*+\.[ \t]*+")
_HEADER: Final = regex(r"\[\[?[ \t]*+")
_HEADER_END: Final = regex(rf"[ \t]*+\]\]?{_EOL}")
_EQUALS: Final = regex(r"[ \t]*+=[ \t]*+")
_LINE_END: Final = regex(_EOL)
_STRING: Final = regex(
    r'"""(?:(?>\r?\n))?+((?:(?>[^"\\]++|\\.|"{1,2}+(?!")))*+"{0,2}?)"""(?!")'
    r"|'''(?:(?>\r?\n))?+((?:(?>[^']++|'{1,2}+(?!')))*+'{0,2}?)'''(?!')"
    r'|"((?:[^"\\\n]++|\\.)*+)"'
    r"|'([^'\n]*+)'",
    re.DOTALL,
)
_ESCAPED: Final = {1, 3}
_BARE: Final = regex(r"""[^\s,\[\]{}#"'=](?:[^\n,\[\]{}#"'=]*[^\s,\[\]{}#"'=])?""")
_CLOSER: Final = {"[": "]", "{": "}"}


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of a TOML text; raises FormatError where it stops being TOML."""
    return templated.entries(text, lambda given: _Reader(given).events())


class _Reader(Cursor):
    """The text and the number of tables that the current header opened."""

    __slots__ = ("opened",)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.opened = 0

    def events(self) -> Iterator[Event]:
        """Give the events of the text; a table's name is so many mappings."""
        while True:
            while found := _LINE.match(self.text, self.at):
                self.at = found.end()
                which = found.lastindex or 0
                if which < _ROW:
                    yield VALUE, found[1], found[which], self.line, which != _BARE_VALUE
                else:
                    yield from (
                        self._row(found[1], found[_ROW])
                        if which == _ROW
                        else self._table(found[_TABLE].split("."))
                    )
            self.take(_BLANK)
            if self.ended:
                break
            yield from self._header() if self.sees("[") else self._assignment()
        yield from self._ends(self.opened)

    def _row(self, key: str, items: str) -> Iterator[Event]:
        """Give an array of plain strings; every second piece between quotes is one."""
        line = self.line
        yield LIST, key, "", line, False
        for text in items.split('"')[1::2]:
            yield VALUE, None, text, line, True
        yield END, None, "", line, False

    def _table(self, keys: Iterable[str]) -> Iterator[Event]:
        """End the table before and begin the one called KEYS."""
        yield from self._ends(self.opened)
        self.opened = 0
        for key in keys:
            self.opened += 1
            yield MAP, key, "", self.line, False

    def _ends(self, count: int) -> Iterator[Event]:
        line = self.line
        for _ in range(count):
            yield END, None, "", line, False

    def _header(self) -> Iterator[Event]:
        self.take(_HEADER)
        yield from self._table(self._keys())
        self.need(_HEADER_END, "toml table name does not end")

    def _keys(self) -> Iterator[str]:
        while True:
            found = self.need(_KEY, "toml key expected")
            bare, basic, literal = found.groups()
            yield unescape(basic) if basic is not None else bare or literal or ""
            if not self.take(_DOT):
                return

    def _assignment(self) -> Iterator[Event]:
        """Read one line, or the lines of one array or inline table, without recursion.

        nest: for each open container what closes it, and how many levels end with it.
        """
        nest: list[tuple[str, int]] = []
        key, ends = yield from self._named()
        while True:
            opened = yield from self._value(key)
            if opened:
                nest.append((_CLOSER[opened], ends + 1))
            else:
                yield from self._ends(ends)
            yield from self._closed(nest)
            if not nest:
                break
            key, ends = None, 0
            if nest[-1][0] == "}":
                key, ends = yield from self._named()
        self.need(_LINE_END, "toml line goes on after its value")

    def _named(self) -> Generator[Event, None, tuple[str | None, int]]:
        """Read `a.b.c =`; give c and the number of levels opened for a and b."""
        line = self.line
        opened, key = -1, ""
        for part in self._keys():
            if opened >= 0:
                yield MAP, key, "", line, False
            opened, key = opened + 1, part
        self.need(_EQUALS, "toml equals sign expected")
        return key, opened

    def _value(self, key: str | None) -> Generator[Event, None, str]:
        """Read a scalar, or the opening character of a container, which is returned."""
        line = self.line
        for opening, kind in (("[", LIST), ("{", MAP)):
            if self.sees(opening):
                self.at += 1
                yield kind, key, "", line, False
                return opening
        found = self.take(_STRING)
        if found is None:
            yield VALUE, key, self.need(_BARE, "toml value expected")[0], line, False
            return ""
        which = found.lastindex or 0
        first = line + self.text.count("\n", found.start(), found.start(which))
        text = found[which]
        yield VALUE, key, unescape(text) if which in _ESCAPED else text, first, True
        return ""

    def _closed(self, nest: list[tuple[str, int]]) -> Iterator[Event]:
        """Pass what separates two values and end the containers that close here."""
        while nest:
            self.take(_BLANK)
            if self.sees(","):
                self.at += 1
            elif self.sees(nest[-1][0]):
                self.at += 1
                yield from self._ends(nest.pop()[1])
            else:
                return
