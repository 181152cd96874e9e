"""JSON and its relatives: JSON5, JSON with comments, JSON lines, several documents in a row.

One regular expression cuts the text into tokens and a flat loop follows the nesting, so that the
line of each value is known and no depth exhausts the stack. A template expression `{{ ... }}` in
the place of a value is a reference; a line `{% ... %}` is a comment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import tree
from checks.formats.escapes import unescape
from checks.formats.levels import END, LIST, MAP, SKIP, VALUE
from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.levels import Event
    from checks.model import Entry

GENERIC: Final = True
NAMES: Final = (
    "*.ign",
    "*.json",
    "*.json.*",
    "*.json5",
    "*.jsonc",
    "*.jsonl",
    "*.ndjson",
    "appsettings*.json",
    ".docker/config.json",
    ".dockercfg",
)
ALWAYS: Final = (".docker/config.json", ".dockercfg", "appsettings*.json")

_TOKEN: Final = regex(
    r"""[\s\ufeff]*+(?:
      "((?:[^"\\\n]++|\\.)*+)"[ \t]*+([:,]?)
    | (\{\{[^{}\n]*+\}\})
    | ([{\[])
    | ([}\]])
    | ([,:])
    | '((?:[^'\\\n]++|\\.)*+)'
    | ([\w$+\-.]++)
    | (//[^\n]*+ | /\*.*?\*/ | \#[^\n]*+ | \{%[^\n]*?%\} | \Z)
    | (.)
    )""",
    re.DOTALL | re.VERBOSE,
)
_STRING, _TEMPLATE, _OPEN, _CLOSE, _MARK, _SINGLE, _WORD, _COMMENT = 2, 3, 4, 5, 6, 7, 8, 9
_NUMBER: Final = regex(
    r"[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity|NaN)$"
)
_LITERALS: Final = {"true", "false"}
_NOTHING: Final = {"null", "undefined"}
_START: Final = regex(r"\s*+(?:\{\s*+[\"}]|\[\s*+[{\[\"])")


def sniff(head: str) -> bool:
    """Know a text that begins with an object, or a list of objects, lists or strings."""
    return _START.match(head.removeprefix("\ufeff")) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give the entries of a JSON text; raises FormatError where it stops being JSON."""
    return tree.entries(_Reader(text).events())


class _Reader:
    """The state between two tokens: open containers, the key that waits, whether a comma came."""

    __slots__ = ("key", "line", "nest", "ready", "text", "within")

    def __init__(self, text: str) -> None:
        self.text = text
        self.nest: list[str] = []
        self.key: str | None = None
        self.line = 1
        self.ready = True
        self.within = ""

    def events(self) -> Iterator[Event]:
        """Give the events of all documents in the text."""
        count, counted = self.text.count, 0
        for token in _TOKEN.finditer(self.text):
            which = token.lastindex or 0
            if which == _STRING:
                raw, mark = token.group(1, 2)
                if mark == ":" and self.key is None and self.ready and self.within == "{":
                    self.key = unescape(raw)
                    continue
                at = token.start(1)
                self.line += count("\n", counted, at)
                event = self._string(unescape(raw), mark)
            else:
                at = token.start(which)
                self.line += count("\n", counted, at)
                event = self._other(which, token[which])
            counted = at
            if event:
                yield event
        if self.nest:
            raise self._refusal("ends inside a container")

    def _refusal(self, reason: str) -> FormatError:
        message = f"json {reason}"
        return FormatError(message, self.line)

    def _string(self, text: str, mark: str) -> Event | None:
        if mark == ":":
            raise self._refusal("has a name in the place of a value")
        if self.within == "{" and self.key is None:
            self._name(text, mark)
            return None
        event = self._value(VALUE, text, quoted=True)
        if mark:
            self._mark(mark)
        return event

    def _name(self, text: str, mark: str) -> None:
        """Take a name whose colon stands apart; it makes the reader unready until that comes."""
        if mark or not self.ready:
            raise self._refusal("has a name without a value")
        self.key = text
        self.ready = False

    def _value(self, kind: int, text: str, *, quoted: bool) -> Event:
        if not self.ready:
            raise self._refusal("lacks a comma or colon")
        key, self.key = self.key, None
        if key is None and self.within == "{":
            raise self._refusal("has a value without a name")
        self.ready = not self.within
        return kind, key, text, self.line, quoted

    def _other(self, which: int, token: str) -> Event | None:
        if which == _WORD:
            return self._word(token)
        if which == _OPEN:
            return self._open(token)
        if which == _CLOSE:
            return self._close(token)
        if which == _MARK:
            self._mark(token)
            return None
        if which == _SINGLE:
            return self._string(unescape(token), "")
        if which == _TEMPLATE:
            return self._template(token)
        if which != _COMMENT:
            raise self._refusal("has a character that starts no token")
        return None

    def _word(self, token: str) -> Event | None:
        if self.key is None and self.within == "{":
            self._name(token, "")
            return None
        if token in _NOTHING:
            return self._value(SKIP, "", quoted=False)
        if token not in _LITERALS and not _NUMBER.match(token):
            raise self._refusal("has a word that is no literal")
        return self._value(VALUE, token, quoted=False)

    def _template(self, token: str) -> Event | None:
        if self.key is None and self.within == "{":
            self._name(token, "")
            return None
        return self._value(VALUE, token, quoted=False)

    def _open(self, bracket: str) -> Event:
        event = self._value(MAP if bracket == "{" else LIST, "", quoted=False)
        self.nest.append(bracket)
        self.within = bracket
        self.ready = True
        return event

    def _close(self, token: str) -> Event:
        if self.key is not None or self.within + token not in {"{}", "[]"}:
            raise self._refusal("closes a container that is not open")
        self.nest.pop()
        self.within = self.nest[-1] if self.nest else ""
        self.ready = not self.within
        return END, None, "", self.line, False

    def _mark(self, mark: str) -> None:
        waits = self.key is not None
        if self.ready or not self.within or waits != (mark == ":"):
            raise self._refusal("has a comma or colon out of place")
        self.ready = True
