"""Read code that carries shell scripts in its strings: Vagrantfile, Jenkinsfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import code, shell
from checks.formats.literals import literals
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERIC: Final = True
NAMES: Final = ("jenkinsfile", "jenkinsfile.*", "*.jenkinsfile", "vagrantfile", "vagrantfile.*")

_HEREDOC: Final = regex(r"<<[-~]?([\"']?)([A-Za-z_]\w{0,80})\1")
_TRIPLE: Final = regex(r"'''|\"\"\"")
_COMMAND: Final = regex(
    r"(?:^|[\s{(,;])(?:sh|bat|powershell|pwsh|:?inline)\b[ \t]*"
    r"(?:(?>[(:=>\[\s]|script[ \t]*:))*+\Z"
)


def parse(text: str) -> Iterator[Entry]:
    """Give what the code names, the entries of here-documents and of blocks in triple quotes.

    Such a block is read as a shell script; a string that `sh` runs is a COMMAND. Never fails.
    """
    rows = text.split("\n")
    at = 0
    while at < len(rows):
        row, at = rows[at], at + 1
        end = _closer(row)
        if not end:
            yield from _line(row, at)
            continue
        first = at
        while at < len(rows) and not _closes(rows[at], end):
            at += 1
        yield from code.parse_line(row, first)
        for entry in shell.parse("\n".join(rows[first:at])):
            yield entry._replace(line=entry.line + first)
        at += 1


def _closer(row: str) -> str:
    """Name what ends the block that a line opens, or ""."""
    marks = _TRIPLE.findall(row)
    if len(marks) % 2:
        return str(marks[-1])
    here = _HEREDOC.search(row)
    return here[2] if here and not row.lstrip().startswith(("#", "//")) else ""


def _closes(row: str, end: str) -> bool:
    return end in row if end[0] in "\"'" else row.strip() == end


def _line(row: str, number: int) -> Iterator[Entry]:
    yield from code.parse_line(row, number)
    for literal in literals(row):
        if _COMMAND.search(row, max(0, literal.start - 80), literal.start):
            yield Entry(("command",), literal.value, number, Role.COMMAND, quoted=True)
