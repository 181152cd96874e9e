"""Makefiles: variables by their names, recipes as command lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats.textlines import Line, continued, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

GENERIC: Final = True
NAMES: Final = ("makefile", "gnumakefile", "bsdmakefile", "makefile.*", "*.mk", "*.mak", "*.make")

_SETTING: Final = regex(
    r"(?:[^\s:=#][^:=#\t]{0,200}+:[ \t]++(?=[\w.\- ]++[?+:!]*+=))?"
    r"(?:(?>(?:export|override|private)[ \t]++)){0,3}+([A-Za-z_][\w.\-]{0,200}+)[ \t]*+"
    r"(?:\?|\+|!|:{1,3})?=[ \t]*+(.*)",
    re.DOTALL,
)
"""A variable, also one of a target (`run: TOKEN = x`)."""
_PREFIXES: Final = "@-+ \t"
"""What make takes off a command: keep quiet, go on after errors, run with -n too."""


def parse(text: str) -> Iterator[Entry]:
    """Give variables under their names and each recipe line as COMMAND; never fails."""
    for line in continued(numbered(text), glue="\\\n"):
        if line.text.startswith("\t"):
            yield from _recipe(line)
        elif found := _SETTING.match(line.text.strip()):
            value = _uncommented(found[2].replace("\\\n", " "))
            if value:
                yield Entry((found[1],), _plain(value), line.number)


def _recipe(line: Line) -> Iterator[Entry]:
    command = line.text.lstrip(_PREFIXES)
    if command and command[0] != "#":
        yield Entry(("recipe",), _plain(command), line.number, Role.COMMAND)


def _uncommented(value: str) -> str:
    """Cut off a comment; a sign of a number within a word is kept, as it is in passwords."""
    at = value.find(" #")
    return (value[:at] if at >= 0 else value).strip()


def _plain(text: str) -> str:
    """Undo the doubling of a dollar sign."""
    return text.replace("$$", "$")
