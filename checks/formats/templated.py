"""Read a templated document: hide template expressions from its parser and bring them back.

Jinja2 and Go templates (`{{ }}`, `{% %}`, `{# #}`) and ERB (`<% %>`) break the document around
them. A line of nothing but expressions becomes empty; within any other line the characters of an
expression are replaced one by one by private-use characters, which parsers take for plain letters,
and turned back afterwards, so that a value still shows its reference. No line moves.

An expression ends on its line; only a comment that has its lines for itself may be longer. So a
stray brace hides nothing from the parser that is not on its own line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import tree
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from checks.formats.levels import Event

_OPEN: Final = regex(r"\{\{|\{%|\{#|<%")
_CLOSE: Final = {"{{": "}}", "{%": "%}", "{#": "#}", "<%": "%>"}
_COMMENT: Final = regex(r"\{#|\{\{-?[ ]?/\*")
_SPAN: Final = 4096
_INDENT: Final = 64

_FIRST: Final = 0xE000
_HIDE: Final = {code: _FIRST + code for code in range(0x80) if code != 0x0A}
_SHOW: Final = {hidden: code for code, hidden in _HIDE.items()}
LETTERS: Final = "\ue000-\ue07f"
"""The characters of a hidden expression, for a character class."""
_ALONE: Final = regex(rf"^[ \t]*+[{LETTERS}][{LETTERS} \t\r]*+$", re.MULTILINE)
_SET: Final = regex(
    r"""(?:\bset[ ]|\$)[ ]{0,8}([A-Za-z_]\w{0,254})[ ]{0,8}:?=[ ]{0,8}"""
    r"""(?:"([^"\n]*)"|'([^'\n]*)')"""
)


def entries(text: str, events: Callable[[str], Iterable[Event]]) -> Iterator[Entry]:
    """Give the entries of TEXT, which EVENTS reads, with the expressions of templates as written.

    `{% set name = "value" %}` and `{{ $name := "value" }}` are entries as well.
    """
    if _OPEN.search(text) is None:
        yield from tree.entries(events(text))
        return
    yield from _assigned(text)
    for entry in tree.entries(events(_hidden(text))):
        yield entry._replace(keys=tuple(map(_shown, entry.keys)), value=_shown(entry.value))


def _hidden(text: str) -> str:
    parts: list[str] = []
    at = 0
    for start, end in _spans(text):
        parts += text[at:start], text[start:end].translate(_HIDE)
        at = end
    parts.append(text[at:])
    return _ALONE.sub("", "".join(parts))


def _shown(text: str) -> str:
    return text.translate(_SHOW)


def _assigned(text: str) -> Iterator[Entry]:
    line, counted = 1, 0
    for start, end in _spans(text):
        found = _SET.search(text, start, end)
        if found:
            line += text.count("\n", counted, found.start())
            counted = found.start()
            yield Entry((found[1],), found[2] or found[3] or "", line, quoted=True)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Give start and end of the expressions; no close is looked for twice."""
    closes = dict.fromkeys(_CLOSE, 0)
    at = 0
    while found := _OPEN.search(text, at):
        start, kind = found.start(), found[0]
        at = start + 2
        if 0 <= closes[kind] < at:
            closes[kind] = text.find(_CLOSE[kind], at)
        end = closes[kind] + 2
        if at < end <= start + _SPAN and _is_whole(text, start, end):
            yield start, end
            at = end


def _is_whole(text: str, start: int, end: int) -> bool:
    """Say whether an expression is on one line, or is a comment with its lines for itself."""
    if text.find("\n", start, end) < 0:
        return True
    before = text[max(0, start - _INDENT) : start].rpartition("\n")
    after = text[end : end + _INDENT].partition("\n")[0]
    alone = not before[2].strip() and not after.strip() and (before[1] or start < _INDENT)
    return bool(alone) and _COMMENT.match(text, start) is not None
