"""Read a text in which something could stand: by its format, or line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks import text, worth
from checks.errors import FormatError
from checks.formats import lines
from checks.lazy import regex
from checks.model import Entry, Role
from checks.secrets import judge, places
from checks.secrets.engine import FIRST_RULE, Engine
from checks.secrets.triggers import Trigger
from checks.spotted import from_candidate, from_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from checks.catalog import Format, Formats
    from checks.spotted import Document, Spotted

_HEAD: Final = 4096
_TOOL: Final = regex(
    r"(?:mysql|mariadb|sshpass|twine|net use|mvn|curl|wget|docker|podman|helm|htpasswd|smbclient"
    r"|mount|ldap|redis-cli|mongo|sqlcmd|rabbitmqctl|ipmitool|snmp|lftp|useradd|usermod|chpasswd"
    r"|keytool|openssl|rsync|psql|expect)"
)
_HASH: Final = regex(r"(?:\$[\w\-]{1,16}\$|\{[A-Z0-9\-]{2,10}\})[^\s\"',;:]{8,512}")
_BUDGET: Final = 1024 * 1024
"""So many characters on lines with a candidate are read of one text; more are a flood."""
_DENSE: Final = 4
"""The surroundings of a candidate on a long line, full of others, cost so many times more."""
_PARSED: Final = 4 * 1024 * 1024
"""A larger text is read in line mode."""
_NESTING: Final = 3
_PARSED_ENTRIES: Final = 200_000
_IN_LINES: Final = frozenset({int(t) for t in (Trigger.QUOTED, Trigger.PLAIN, Trigger.DIRECTIVE)})
_IN_CODE: Final = frozenset(
    int(t)
    for t in (Trigger.QUOTED, Trigger.PLAIN, Trigger.DIRECTIVE, Trigger.CONTAINER, Trigger.CALL)
)
_CALLS: Final = frozenset({int(Trigger.CALL), int(Trigger.CONTAINER)})
_QUOTES: Final = frozenset(b"\"'")
_SETTINGS_CODE: Final = regex(r"(?:config|settings|\.inc)[^/]*$", re.IGNORECASE)
_IN_VALUES: Final = frozenset({int(Trigger.URL), int(Trigger.HEADER)})


class Reader:
    """Turns one text into judged credentials, by its format or line by line."""

    def __init__(
        self,
        matching: tuple[Engine, Formats],
        document: Document,
        content: text.Text,
        *,
        claimed: bool,
    ) -> None:
        """Take what to match and parse with, and whether a format claims the file's name."""
        self._engine, self._formats = matching
        self._document = document
        self._content = content
        self._is_document = places.is_document(document.path, claimed=claimed, root=document.root)
        self.degraded = not document.whole or len(content.data) > _PARSED
        self.flooded = False
        self._budget = _BUDGET
        self._lines: list[str] | None = None

    def parsed(self, form: Format) -> Iterator[Spotted]:
        """Read the whole text by its format; what is left after an error in line mode."""
        string = self._content.string
        entries, broken = _collect(form.parse, string)
        other = self._formats.sniffed(string[:_HEAD]) if broken and not entries else None
        if other is not None and other is not form and not hasattr(other, "CODE"):
            entries, broken = _collect(other.parse, string)
        place = places.Place(
            self._is_document, path=self._document.path, access=self._document.access
        )
        if broken is not None:
            self.degraded = True
            seen = {entry.line for entry in entries}
            rest = [e for e in lines.parse(string) if e.line not in seen]
            yield from self._judged(rest, place._replace(loose=True))
        entries += list(self._nested(entries, 1))
        yield from self._renamed(entries)
        yield from self._judged(entries, place)

    def _nested(self, entries: Iterable[Entry], depth: int) -> Iterator[Entry]:
        """Read values that are themselves files: block scalars, ConfigMap data, write_files."""
        for entry in entries:
            if entry.value.count("\n") < 2 or entry.role not in {Role.NAMED, Role.ENCODED}:
                continue
            name = entry.keys[-1] if entry.keys else ""
            form = self._formats.of(name, b"").format or self._formats.sniffed(entry.value[:_HEAD])
            form = None if form is not None and hasattr(form, "CODE") else form
            inner, broken = _collect(form.parse if form else lines.parse, entry.value)
            if broken is not None:
                inner += list(lines.parse(entry.value))
            step = 1 if self._spread(entry) else 0
            moved = [
                e._replace(keys=(*entry.keys, *e.keys), line=entry.line + step * (e.line - 1))
                for e in inner
            ]
            yield from moved
            if depth < _NESTING:
                yield from self._nested(moved, depth + 1)

    def _spread(self, entry: Entry) -> bool:
        """Say whether a value of several lines stands on as many; in JSON it stands on one."""
        if self._lines is None:
            self._lines = self._content.string.split("\n")
        for number, part in enumerate(entry.value.split("\n", 100)[1:100], entry.line):
            if part.strip():
                return number < len(self._lines) and part.strip() in self._lines[number]
        return True

    def _renamed(self, entries: Sequence[Entry]) -> Iterator[Spotted]:
        """Find tokens that show only when escapes are decoded or key paths are joined."""
        rows = [f"{'.'.join(e.keys)}={e.value}".replace("\n", " ") for e in entries]
        data = "\n".join(rows).encode("utf-8", "replace")
        pairs = [pair for pair in self._engine.hits(data).pairs if pair[0] >= FIRST_RULE]
        numbers = text.Lines(data, 0)
        for token in self._engine.tokens(data, pairs):
            row = numbers.at(token.offset)
            if row < len(entries):
                yield from_token(token, entries[row].line, entries[row].keys)

    def by_line(self, form: Format | None, pairs: Sequence[tuple[int, int]]) -> Iterator[Spotted]:
        """Read only the lines on which a candidate stands."""
        code = form is not None and hasattr(form, "CODE")
        settings = not code and worth.SETTINGS.search(self._document.path) is not None
        place = places.Place(
            self._is_document,
            code=code,
            loose=True,
            path=self._document.path,
            settings=settings or _SETTINGS_CODE.search(self._document.path) is not None,
            access=self._document.access,
        )
        parse_line = getattr(form, "parse_line", lines.parse_line) if code else lines.parse_line
        if code:
            wanted = [pair for pair in pairs if pair[0] in _IN_CODE and self._literal(*pair)]
        else:
            known = _IN_LINES if settings else _IN_LINES - {int(Trigger.DIRECTIVE)}
            wanted = [pair for pair in pairs if pair[0] in known]
        rows = self._rows(wanted)
        if (
            code
            and not self._document.path.endswith(".php")
            and _CALLS.isdisjoint(n for n, _ in wanted)
        ):
            rows = ((row, line) for row, line in rows if worth.has_literal(row))
        entries = (e for row, line in rows for e in parse_line(row, line))
        yield from self._judged(entries, place)
        yield from self.nets(pairs)

    def _literal(self, number: int, end: int) -> bool:
        """Say whether a string literal stands at a candidate or later on its line."""
        data = self._content.data
        if number == Trigger.DIRECTIVE:
            return data[end - 1] in _QUOTES
        stop = data.find(b"\n", end, end + worth.AROUND)
        row = data[end - 1 : stop if stop >= 0 else end + worth.AROUND]
        return b'"' in row or b"'" in row or b"`" in row

    def nets(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Spotted]:
        """Read what shows on a line by itself whatever the format: URLs, commands, hashes."""
        place = places.Place(
            self._is_document,
            code=True,
            loose=True,
            path=self._document.path,
            access=self._document.access,
        )
        if wanted := [pair for pair in pairs if pair[0] in _IN_VALUES]:
            rows = self._rows(wanted)
            yield from self._judged((Entry(("url",), row, line) for row, line in rows), place)
        if wanted := [pair for pair in pairs if pair[0] == Trigger.ARGUMENT]:
            yield from self._judged(self._commands(wanted), place)
        if wanted := [pair for pair in pairs if pair[0] == Trigger.HASH]:
            found = ((_HASH.search(row), line) for row, line in self._rows(wanted))
            hashed = (Entry(("hash",), one[0], line, Role.HASH) for one, line in found if one)
            yield from self._judged(hashed, place)

    def _commands(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Entry]:
        for row, line in self._rows(pairs):
            tool = _TOOL.search(row)
            if tool:
                command = row[tool.start() :].rstrip("\"');, ")
                yield Entry(("command",), command, line, Role.COMMAND)

    def _rows(self, pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[str, int]]:
        """Give text and number of each line on which a candidate stands, once."""
        numbers = text.Lines(self._content.data, self._document.first_line)
        seen: set[int] = set()
        for _, end in pairs:
            start, row = worth.row_at(self._content.data, end)
            if start in seen:
                continue
            self._budget -= len(row) * (_DENSE if len(row) > worth.AROUND else 1)
            if self._budget < 0:
                self.flooded = True
                return
            seen.add(start)
            yield row.rstrip("\r"), numbers.at(start)

    def _judged(self, entries: Iterable[Entry], place: places.Place) -> Iterator[Spotted]:
        seen: set[tuple[str, int]] = set()
        for entry in entries:
            for candidate in judge.judge(entry, place):
                mark = (candidate.entry.value, candidate.entry.line)
                if mark not in seen:
                    seen.add(mark)
                    yield from_candidate(candidate)


def _collect(
    parse: Callable[[str], Iterator[Entry]], string: str
) -> tuple[list[Entry], FormatError | None]:
    """Take entries until the end, an error or the limit."""
    entries: list[Entry] = []
    try:
        for entry in parse(string):
            entries.append(entry)
            if len(entries) >= _PARSED_ENTRIES:
                return entries, FormatError("too many entries", entry.line)
    except FormatError as error:
        return entries, error
    return entries, None
