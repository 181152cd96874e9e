"""Read a text in which something could stand: by its format, or line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks import text, worth
from checks.errors import FormatError
from checks.formats import comments, lines
from checks.lazy import regex
from checks.model import Confidence, Entry, Role, Severity
from checks.secrets import judge, places, shapes, wording
from checks.secrets.engine import FIRST_RULE, Engine
from checks.secrets.names import own_name
from checks.secrets.triggers import IN_LINES, IN_VALUES, Trigger
from checks.secrets.weak import is_weak
from checks.spotted import from_candidate, from_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from checks.catalog import Format, Formats
    from checks.spotted import Document, Spotted

_HEAD: Final = 4096
_TOOL: Final = regex(
    r"(?:mysql|mariadb|sshpass|twine|net use|mvn|curl|wget|docker|podman|helm|htpasswd|smbclient"
    r"|mount|ldap|redis-cli|mongo|sqlcmd|rabbitmqctl|ipmitool|snmp|lftp|useradd|usermod|chpasswd"
    r"|keytool|openssl|rsync|psql|expect|mosquitto|rpcclient|net rpc|net ads|schtasks|cmdkey|psexec"
    r"|xfreerdp|wfreerdp)"
)
_HASH: Final = regex(r"(?:\$[\w\-]{1,16}\$|\{[A-Z0-9\-]{2,10}\})[^\s\"',;:]{8,512}")
_BUDGET: Final = 1024 * 1024
"""So many characters on lines with a candidate are read of one text; more are a flood."""
_DENSE: Final = 4
"""The surroundings of a candidate on a long line, full of others, cost so many times more."""
PARSED: Final = 4 * 1024 * 1024
"""A larger text is read in line mode."""
_NESTING: Final = 3
_PARSED_ENTRIES: Final = 200_000
_IN_CODE: Final = frozenset(
    int(t)
    for t in (Trigger.QUOTED, Trigger.PLAIN, Trigger.DIRECTIVE, Trigger.CONTAINER, Trigger.CALL)
)
_CALLS: Final = frozenset({int(Trigger.CALL), int(Trigger.CONTAINER)})
_SETTINGS_CODE: Final = regex(
    r"(?:config|settings|parameters|database|secrets|knexfile|gulpfile|gruntfile|\.inc)[^/]*$"
    r"|(?:^|/)(?:conf|deploy|(?:jenkins|vagrant|fast|cap|berks|match)file)(?:\.\w+)?$"
    r"|\.(?:pp|gradle|gradle\.kts|ps1|psd1|exs)$"
    r"|(?:^|/)(?:attributes|recipes|initializers|environments|config|settings|deploy)/[^/]+$",
    re.IGNORECASE,
)
"""Source code that holds settings: what has `config` in its name, manifests, build files."""
_ROOTS: Final = frozenset("/~")
_PARTS: Final = 100
"""A line is continued on so many others at most that are looked at."""
_NEAR: Final = 4
"""A user or a host stands no more lines from the password that belongs to it."""
_DIGIT: Final = regex(rb"[\d\x80-\xff]")


class Reader:
    """Turns one text into judged credentials, by its format or line by line."""

    def __init__(
        self,
        matching: tuple[Engine, Formats],
        document: Document,
        content: text.Text,
        *,
        sample: bool,
    ) -> None:
        """Take what to match and parse with; sample: the text is documentation or the like."""
        self._engine, self._formats = matching
        self._document = document
        self._content = content
        self._is_document = sample
        self.degraded = not document.whole or len(content.data) > PARSED
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
        used: set[str] = set()
        for one in map(self._located, self._judged(entries, place)):
            if one.check != judge.WEAK:
                used.add(own_name(one.keys).lower())
            yield one
        if not self._is_document:
            yield from self._commented(comments.parse(string), place, used)

    def _commented(
        self, entries: Iterable[Entry], place: places.Place, used: set[str]
    ) -> Iterator[Spotted]:
        """Find passwords in settings that are commented out: no examples, as far as can be told.

        used: the names that have a password in the text; one that is commented out beside it was
        in its place. Any other has to be one that no manual would show. Defaults and keys stand in
        the comments of products as they were delivered.
        """
        for one in self._judged(entries, place):
            if (one.check == judge.WEAK and not place.code) or shapes.repeats(one.value):
                continue
            if own_name(one.keys).lower() in used:
                yield one._replace(severity=min(one.severity, Severity.MEDIUM))
            elif one.check == judge.PASSWORD and _is_no_example(one.value):
                yield one._replace(severity=Severity.LOW, confidence=Confidence.LOW)

    def _nested(self, entries: Iterable[Entry], depth: int) -> Iterator[Entry]:
        """Read values that are themselves files: block scalars, ConfigMap data, write_files."""
        for entry in entries:
            if entry.role not in {Role.NAMED, Role.ENCODED}:
                continue
            name = entry.keys[-1] if entry.keys else ""
            if entry.subject[:1] in _ROOTS:  # the path of the file that the value is
                name = entry.subject
            elif entry.value.count("\n") < 2:
                continue
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

    def _located(self, one: Spotted) -> Spotted:
        """Move what stands on a continued line to that part of it where it stands."""
        if self._lines is None:
            self._lines = self._content.string.split("\n")
        rows = self._lines[max(0, one.line - 1) : one.line + _PARTS]
        for number, row in enumerate(rows, one.line):
            if one.value in row:
                return one._replace(line=number)
            if not row.rstrip().endswith("\\"):
                break
        return one

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
        path = self._document.path
        settled = settings or (
            not self._is_document and _SETTINGS_CODE.search(_end_of(path)) is not None
        )
        place = places.Place(
            self._is_document,
            code=code,
            loose=True,
            path=path,
            settings=settled,
            access=self._document.access,
        )
        parse_line = getattr(form, "parse_line", lines.parse_line) if code else lines.parse_line
        if code:
            wanted = list(self._literals(pairs))
        else:
            known = IN_LINES if settings else IN_LINES - {int(Trigger.DIRECTIVE)}
            wanted = [pair for pair in pairs if pair[0] in known]
        rows = self._rows(wanted)
        calls = not _CALLS.isdisjoint(n for n, _ in wanted)
        if code and not (calls or place.settings or path.endswith(".php")):
            rows = ((row, line) for row, line in rows if worth.has_literal(row))
        used: set[str] = set()
        hidden: list[Entry] = []
        for row, line in rows:
            here = self._at(row, line, place) if code else place
            for one in self._judged(parse_line(row, line), here):
                used.add(own_name(one.keys).lower())
                yield one
            if settled and code and (mark := comments.MARK.match(row)):
                hidden += parse_line(row[mark.end() :], line)
        yield from self._commented(hidden, place, used)
        yield from self.nets(pairs)

    def _at(self, row: str, line: int, place: places.Place) -> places.Place:
        """Tell a line of source code that sets a password of letters, beside a user or alone."""
        if place.document or not wording.sets_letters(row):
            return place
        if self._lines is None:
            self._lines = self._content.string.split("\n")
        index = line - self._document.first_line
        beside = wording.are_settings(self._lines[max(0, index - _NEAR) : index + _NEAR + 1])
        return place._replace(
            settings=place.settings or beside, beside=beside, alone=wording.stands_alone(row)
        )

    def _literals(self, pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """Give the candidates with a string literal there or later on the line."""
        data = self._content.data
        first = last = 0
        for number, end in pairs:
            if number not in _IN_CODE or first < end <= last:
                continue
            stop = data.find(b"\n", end, end + worth.AROUND)
            row = data[end - 1 : stop if stop >= 0 else end + worth.AROUND]
            quoted = b'"' in row or b"'" in row or b"`" in row
            if quoted and not (self._is_document and _DIGIT.search(row) is None):
                yield number, end
            else:  # neither has what follows on the same line
                first, last = end, stop

    def nets(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Spotted]:
        """Read what shows on a line by itself whatever the format: URLs, commands, hashes."""
        place = places.Place(
            self._is_document,
            code=True,
            loose=True,
            path=self._document.path,
            access=self._document.access,
        )
        if wanted := [pair for pair in pairs if pair[0] in IN_VALUES]:
            rows = self._rows(wanted)
            yield from self._judged((Entry(("url",), row, line) for row, line in rows), place)
        if wanted := [pair for pair in pairs if pair[0] == Trigger.ARGUMENT]:
            yield from self._judged(self._commands(wanted), place)
        hashes = [] if self._is_document else [pair for pair in pairs if pair[0] == Trigger.HASH]
        if wanted := hashes:
            found = ((_HASH.search(row), line) for row, line in self._rows(wanted))
            hashed = (Entry(("hash",), one[0], line, Role.HASH) for one, line in found if one)
            yield from self._judged(hashed, place)

    def _commands(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Entry]:
        for row, line in self._rows(pairs):
            tool = _TOOL.search(row)
            if tool:
                begin = tool.start()
                command = row[begin : _end_of_literal(row, begin)].rstrip("\"');, ")
                yield Entry(("command",), command, line, Role.COMMAND)

    def _rows(self, pairs: Sequence[tuple[int, int]]) -> Iterator[tuple[str, int]]:
        """Give text and number of each line on which a candidate stands, once."""
        numbers = text.Lines(self._content.data, self._document.first_line)
        rows = worth.Rows(self._content.data)
        seen: set[int] = set()
        for _, end in pairs:
            start, row = rows.at(end)
            if start in seen:
                continue
            self._budget -= len(row) * (_DENSE if len(row) > worth.AROUND else 1)
            if self._budget < 0:
                self.flooded = True
                return
            seen.add(start)
            if not self._is_document or worth.shows_sample(row):
                yield row.rstrip("\r"), numbers.at(start)

    def _judged(self, entries: Iterable[Entry], place: places.Place) -> Iterator[Spotted]:
        seen: set[tuple[str, int]] = set()
        for entry in entries:
            for candidate in judge.judge(entry, place):
                mark = (candidate.entry.value, candidate.entry.line)
                if mark not in seen:
                    seen.add(mark)
                    yield from_candidate(candidate)


def _is_no_example(value: str) -> bool:
    return shapes.is_no_example(value) and not is_weak(value)


def _end_of_literal(row: str, start: int) -> int:
    """Say where the string ends that begins in front of START, else where the row does."""
    quote = row[start - 1 : start]
    if not quote or quote not in "\"'":
        return len(row)
    end = row.find(quote, start)
    while end > 0 and row[end - 1] == "\\":
        end = row.find(quote, end + 1)
    return end if end > 0 else len(row)


def _end_of(path: str) -> str:
    """Give the last folder and the name of a path: all that is told of source code by its path."""
    return "/".join(path.rsplit("/", 2)[-2:])


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
