"""Say at a look at its candidates whether a text is worth reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import callables, comments, lines
from checks.lazy import regex
from checks.model import Entry
from checks.secrets import judge, shapes, values, wording
from checks.secrets.engine import FIRST_RULE
from checks.secrets.names import Kind, kind
from checks.secrets.notsecret import why_not
from checks.secrets.triggers import IN_VALUES, Trigger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.secrets.engine import Engine

_MADE: Final = 12
"""A key made by a machine is not shorter."""
_LINE: Final = 4 * 1024
"""A line that goes on further than this from a candidate is long."""
AROUND: Final = 400
"""Of a long line, this much on both sides of a candidate is read."""
_MOST: Final = 64 * 1024
"""Candidates on lines of so many characters are no flood, whatever a reader counts them as."""
_APART: Final = regex(rb"[,;{(\s]")
"""Where a cut line begins, so that it does so outside a string more often than inside."""
_ALWAYS_PARSED: Final = frozenset(
    {int(t) for t in (Trigger.CONTAINER, Trigger.ARGUMENT, Trigger.HASH)}
)
_PARSED_IN_DOCUMENTS: Final = frozenset({int(Trigger.CONTAINER)})
_DIGIT: Final = regex(r"\d")
_SCHEME: Final = regex(r"(?i)(?<![a-z])(?:auth|basic)(?![a-z])")
"""What may have a credential in base64 behind it."""
_BELOW: Final = regex(r"[|>][+\-\d]*\s*$")
"""The sign of YAML at the end of a line that its value stands on the lines below."""
_HEADER: Final = regex(
    r"""(?i)(?:basic|bearer|token|auth[ ](?:plain|login))[ \t]+["']?"""
    r"""(?=[\w.~+/\-]+(?-i:[A-Z\d=]))[\w.~+/\-]{4}"""
    r"""|(?:authorization|x-[\w\-]{1,40}(?:key|token))["']?[ \t]*[:=, ][ \t]*["']?"""
    r"""(?=[^\s"']*\d)[^\s"'{}$<]{4}"""
)
_TELLING: Final = regex(
    r"(?i)\d|pass|pasw|pw|psk|psw|senha|kennwort|contrasena|masterauth|authtok|community|secret|clave|mdp"
    r"|[|>][+\-]?\s*$|[a-z]{20}"
)
"""What a line has that may set a credential.

A made one has a digit or letters in a longer run than words have, a chosen one such a name.
"""
_BLOCK: Final = regex(r"[|>][+\-\d]*")
"""The sign of YAML that the value stands on the lines below."""
_NAMED: Final = regex(
    r"""(?i)(?<!\w)(?:name|key|id|property|path|setting)["']?"""
    r"""[ \t]*[:=][ \t]*["']?([\w.\-/]+)(?![\w ])"""
)
_CLOSED: Final = regex(rb"(?<!\})\}(?!\})")
"""Where the object that a name stands in ends; two braces are a template's."""
_VALUE: Final = regex(rb"(?i)(?:value|default|content)s?[\\\"']{0,2}\s*[:=>]")
_ELEMENT: Final = regex(rb">\s*[^<\s]")
_VAGUE: Final = regex(r"(?i)auth|encrypt|key|token")
_LITERAL: Final = regex(r"""(["'`])((?:(?>(?!\1)[^\\]|\\.))*+)\1""")
_ON_LINES: Final = IN_VALUES | {
    int(t) for t in (Trigger.QUOTED, Trigger.PLAIN, Trigger.ARGUMENT, Trigger.HASH)
}
SETTINGS: Final = regex(r"(?:^|/)etc/|rc$|/\.[^/.]+$|\.(?:conf|cfg|cnf|ini|config|settings)\b")
"""Paths on which `name value` is a likely notation."""


def deserves(
    engine: Engine, data: bytes, pairs: Sequence[tuple[int, int]], *, document: bool
) -> bool:
    """Say whether a candidate survives a look at its line, so that the text is to be parsed.

    document: it is documentation or other people's code, of which less is told.
    """
    seen: set[tuple[int, int]] = set()
    rows: set[tuple[int, str]] = set()
    lines_of = Rows(data)
    parsed = _PARSED_IN_DOCUMENTS if document else _ALWAYS_PARSED
    for number, end in pairs:
        if number in parsed:
            return True
        if number >= FIRST_RULE:
            if engine.promises(number, data, end):
                return True
            continue
        if number == Trigger.HASH:
            continue
        start, row = lines_of.at(end)
        if number == Trigger.PAIRED:
            if _pairs(data, end, row, document=document):
                return True
            continue
        kept = (number if number in IN_VALUES else 0, start)
        if kept in seen:
            continue
        seen.add(kept)
        text = (number, row.strip())
        telling = shows_sample(row) if document else _tells(number, row)
        if telling and text not in rows and _survives(number, row):
            return True
        rows.add(text)
    return False


def _tells(number: int, row: str) -> bool:
    return number in IN_VALUES or _TELLING.search(row) is not None


def is_barren(data: bytes, pairs: Iterable[tuple[int, int]]) -> bool:
    """Say whether the words in a document or the like come to nothing, however it is read.

    Those on so many lines that they may be a flood are to be counted by who reads them.
    """
    rows = Rows(data)
    before, size = -1, 0
    for number, end in pairs:
        if number in _PARSED_IN_DOCUMENTS:
            return False
        if number == Trigger.HASH:
            continue
        start, row = rows.at(end)
        if number == Trigger.PAIRED:
            row += _behind(data, end).decode("latin-1")
        elif start == before:
            continue
        else:
            before = start
        size += len(row)
        if size > _MOST or shows_sample(row):
            return False
    return True


def shows_sample(row: str) -> bool:
    """Say whether a line may hold what judge tells of documents: made, or mixed as few examples.

    That has no blanks, a digit and its length; what is encoded or goes on below stays open.
    """
    if _DIGIT.search(row):
        runs = (run for run in row.split() if len(run) >= shapes.CHOSEN)
        if any(map(_DIGIT.search, runs)):
            return True
    return _is_open(row)


def _is_open(row: str) -> bool:
    """Say whether a credential may stand in base64 on a line, or on the lines below."""
    if row.rstrip().endswith("\\") or _BELOW.search(row):
        return True
    low = row.lower()
    return ("auth" in low or "basic" in low) and _SCHEME.search(row) is not None


def _pairs(data: bytes, end: int, row: str, *, document: bool) -> bool:
    """Say whether a name that sounds like a credential has its value behind it."""
    behind = _behind(data, end)
    if document and not shows_sample(row + behind.decode("latin-1")):
        return False
    if not _VALUE.search(behind) and not ("<" in row and _ELEMENT.search(behind)):
        return False
    return any(kind((name,)) is not Kind.NONE for name in _NAMED.findall(row))


def _behind(data: bytes, end: int) -> bytes:
    """Give what follows a name in the object that it stands in."""
    return _CLOSED.split(data[end : end + AROUND], 1)[0]


def _survives(number: int, row: str) -> bool:
    if number == Trigger.ARGUMENT:
        return True
    if number == Trigger.HEADER:
        return _HEADER.search(row) is not None
    if number == Trigger.VAGUE:
        return any(
            judge.is_plausible(entry.keys, entry.value)
            or (_made(entry.value) and _VAGUE.search(entry.keys[-1]))
            for entry in lines.parse_line(row, 0)
        )
    if number == Trigger.URL:
        return next(values.inner(Entry(("url",), row, 0)), None) is not None
    return any(
        judge.is_plausible(entry.keys, entry.value.strip())
        or (_BLOCK.fullmatch(entry.value) and kind(entry.keys) is not Kind.NONE)
        for part in row.split("\\n")  # a file within a string has its line ends escaped
        for entry in lines.parse_line(part, 0)
    ) or any(
        shapes.is_no_example(entry.value) and judge.is_plausible(entry.keys, entry.value)
        for entry in comments.parse(row)
    )


class Rows:
    """The lines on which candidates end; those that follow each other on one line share it."""

    def __init__(self, data: bytes) -> None:
        """Keep the text; nothing is read of it."""
        self._data = data
        self._start = self._stop = 0
        self._row = ""

    def at(self, end: int) -> tuple[int, str]:
        """Give start and text of the line on which a candidate ends, or of its surroundings."""
        if not self._start < end <= self._stop:
            self._start, self._row, self._stop = _row_at(self._data, end)
        return self._start, self._row


def _row_at(data: bytes, end: int) -> tuple[int, str, int]:
    """Give start and text of a line, and up to where a candidate has the same ones."""
    start = data.rfind(b"\n", max(0, end - _LINE), end - 1) + 1
    found = data.find(b"\n", end - 1, end + _LINE)
    stop = found if found >= 0 else len(data)
    same = stop if stop - start < _LINE else 0
    if (not start and end > _LINE) or (found < 0 and len(data) > end + _LINE):
        middle = end - end % AROUND  # neighbours on one long line share their surroundings
        stop = min(stop, middle + 2 * AROUND)
        if middle - AROUND > start:
            start = middle - AROUND
            apart = _APART.search(data, start, middle)
            start = apart.end() if apart else start
        same = 0
    return start, data[start:stop].decode("utf-8", "replace"), same


def shows_on_lines(pairs: Iterable[tuple[int, int]], path: str) -> bool:
    """Say whether a candidate can be read from its line alone in a text of no known format."""
    numbers = {number for number, _ in pairs}
    if not numbers.isdisjoint(_ON_LINES):
        return True
    return Trigger.DIRECTIVE in numbers and SETTINGS.search(path) is not None


def has_literal(row: str) -> bool:
    """Say whether a line of source code has a literal that judge would take for a password.

    Of what is guessed in code that is a mere word only where a password is set to it, or in a
    call that takes one; odd quotes leave it open.
    """
    if row.count('"') % 2 or row.count("'") % 2 or wording.sets_letters(row):
        return True
    if any(shapes.has_sign_or_digit(found[2]) for found in _LITERAL.finditer(row)):
        return True
    return callables.is_call(row)


def _made(value: str) -> bool:
    if len(value) < _MADE or " " in value or value[:1] in judge.OPENERS or why_not(value):
        return False
    return sum(c.isdigit() for c in value) > 1
