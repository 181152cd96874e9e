"""Read Dockerfiles: ENV, ARG and LABEL settings, and the command lines of RUN and its kin."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats import lines
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERIC: Final = True
NAMES: Final = (
    "*.containerfile",
    "*.dockerfile",
    "containerfile",
    "containerfile.*",
    "dockerfile",
    "dockerfile-*",
    "dockerfile.*",
    "dockerfile_*",
)

_INSTRUCTION: Final = regex(
    r"\s*(?:ONBUILD\s+)?(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER"
    r"|RUN|SHELL|STOPSIGNAL|USER|VOLUME|WORKDIR)(?:\s+|\\\n\s*)",
    re.IGNORECASE,
)
_ESCAPE: Final = regex(r"(?:#[^\n]*\n)*?#\s*escape\s*=\s*([\\`])", re.IGNORECASE)
_FLAG: Final = regex(r"--[\w\-]+=\S+(?:\s|\\\n)+")
_PAIR: Final = regex(
    r"""([^\s="'\\]{1,200}|"[^"\n]{1,200}")="""
    r"""((?:(?>"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^']*+'|\\[^\n]|[^\s"'\\]++|["']))*+)""",
    re.DOTALL,
)
_PART: Final = regex(
    r"\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\"|'([^']*+)'|\\(.)|([^\"'\\]++|[\"'\\])", re.DOTALL
)
_HEREDOC: Final = regex(r"<<-?\s*([\"']?)([A-Za-z_]\w{0,80})\1")
_CONTINUED: Final = regex(r"\\[ \t]*\n")
_SETTINGS: Final = frozenset({"ENV", "ARG", "LABEL"})
_COMMANDS: Final = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL"})
_HEALTH: Final = regex(r"\bCMD\s+", re.IGNORECASE)
_STAGE: Final = regex(
    r"(?:(?>[ \t]*(?:#[^\n]*|ARG[ \t][^\n]*)?\n))*+[ \t]*FROM[ \t]+[\w.$\-/:{}@]+"
)
_STEP: Final = regex(r"^[ \t]*(?:RUN|ENV|COPY|CMD|ADD|ENTRYPOINT)[ \t]", re.MULTILINE)


class _Instruction(NamedTuple):
    """One instruction with its lines joined by line ends, and the here-documents behind it."""

    text: str
    line: int
    here: tuple[tuple[str, int], ...] = ()


def sniff(head: str) -> bool:
    """Recognise a file that starts a stage and goes on with instructions."""
    return _STAGE.match(head) is not None and _STEP.search(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give settings with the keys (instruction, name) and command lines with role COMMAND.

    A RUN in JSON form is given as the shell line that means the same. Never fails.
    """
    for instruction in _instructions(text):
        name = _INSTRUCTION.match(instruction.text)
        if name:
            yield from _entries(name[1].upper(), name.end(), instruction)


def _instructions(text: str) -> Iterator[_Instruction]:
    escape = _ESCAPE.match(text[:1000])
    mark = escape[1] if escape else "\\"
    rows = text.split("\n")
    at = 0
    while at < len(rows):
        first, parts = at, list[str]()
        while at < len(rows):
            row, at = rows[at].removesuffix("\r"), at + 1
            comment = row.lstrip().startswith("#") or (bool(parts) and not row.strip())
            continued = row.rstrip().endswith(mark)
            if comment:
                row, continued = "\\", bool(parts)
            elif continued:
                row = row.rstrip()[:-1] + "\\"
            parts.append(row)
            if not continued:
                break
        joined = "\n".join(parts)
        here, at = _here_documents(joined, rows, at)
        yield _Instruction(joined, first + 1, here)


def _here_documents(text: str, rows: list[str], at: int) -> tuple[tuple[tuple[str, int], ...], int]:
    """Give the bodies of the here-documents that an instruction names, and the row behind them."""
    if "<<" not in text or not re.match(r"\s*(?:RUN|COPY|ADD)\s", text, re.IGNORECASE):
        return (), at
    found: list[tuple[str, int]] = []
    for mark in _HEREDOC.finditer(text):
        first = at
        while at < len(rows) and rows[at].strip() != mark[2]:
            at += 1
        found.append(("\n".join(rows[first:at]), first + 1))
        at += 1
    return tuple(found), at


def _entries(name: str, start: int, instruction: _Instruction) -> Iterator[Entry]:
    line = instruction.line + instruction.text.count("\n", 0, start)
    rest = instruction.text[start:]
    if name in _SETTINGS:
        yield from _settings(name, rest, line)
    elif name == "HEALTHCHECK":
        if command := _HEALTH.search(rest):
            yield _command(name, rest[command.end() :], line + rest.count("\n", 0, command.end()))
    elif name in _COMMANDS:
        yield from _run(name, rest, line, instruction)
    elif name in {"ADD", "COPY"}:
        yield from _copied(name, rest, line, instruction)


def _run(name: str, rest: str, line: int, instruction: _Instruction) -> Iterator[Entry]:
    at = 0
    while flag := _FLAG.match(rest, at):
        at = flag.end()
    command = _command(name, rest[at:], line + rest.count("\n", 0, at))
    for body, number in instruction.here:
        if command.value.lstrip().startswith("<<"):
            yield Entry((name,), body, number, Role.COMMAND)
        else:
            yield from _text(name, body, number)
    yield command


def _copied(name: str, rest: str, line: int, instruction: _Instruction) -> Iterator[Entry]:
    for body, number in instruction.here:
        yield from _text(name, body, number)
    if "://" in rest:
        yield Entry((name,), _CONTINUED.sub(" ", rest).strip(), line)


def _text(name: str, body: str, first: int) -> Iterator[Entry]:
    for number, row in enumerate(body.split("\n"), first):
        for entry in lines.parse_line(row, number):
            yield entry._replace(keys=(name, *entry.keys))


def _command(name: str, rest: str, line: int) -> Entry:
    """Make a command line; its JSON form becomes shell words."""
    value = rest.strip()
    if value.startswith("["):
        try:
            words = json.loads(_CONTINUED.sub("", value))
        except (ValueError, RecursionError):
            words = None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            value = shlex.join(words)
    return Entry((name,), value, line, Role.COMMAND)


def _settings(name: str, rest: str, line: int) -> Iterator[Entry]:
    first = _PAIR.match(rest)
    if first is None:
        yield from _old_form(name, rest, line)
        return
    at = 0
    for found in _PAIR.finditer(rest):
        line += rest.count("\n", at, found.start(2))
        at = found.start(2)
        quoted = found[2][:1] in {'"', "'"}
        value = (
            _PART.sub(_part, found[2])
            if quoted or "\\" in found[2] or "'" in found[2]
            else found[2]
        )
        yield Entry((name, found[1].strip('"')), value, line, Role.NAMED, quoted)


def _old_form(name: str, rest: str, line: int) -> Iterator[Entry]:
    """`ENV name value`: the value goes to the end, blanks included."""
    key, _, value = _CONTINUED.sub(" ", rest).strip().partition(" ")
    value = value.strip()
    if key and value and name != "ARG":
        quoted = len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]
        yield Entry((name, key), value[1:-1] if quoted else value, line, Role.NAMED, quoted)


def _part(found: re.Match[str]) -> str:
    if found[1] is not None:
        return re.sub(r'\\(["\\$])', r"\1", _CONTINUED.sub("", found[1]))
    if found[2] is not None:
        return found[2]
    return found[3] or found[4] or ""
