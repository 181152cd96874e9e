"""Mutt and NeoMutt: `set name=value ...`; back-ticks run a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import continued, numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "muttrc", ".muttrc", ".mutt/*", "mutt/*", "neomuttrc", ".neomuttrc", "neomutt/*",
    ".neomutt/*", "*.muttrc", "muttrc.d/*.rc",
)  # fmt: skip

_SETTING: Final = regex(
    rf"(?<![^\s])(?:my_)?([A-Za-z_]\w*+)\s*+=\s*+({quoting.DOUBLE}|{quoting.SINGLE}|`[^`]*+`|[^\s#]++)"
)
_SETS: Final = regex(r"(?:set|setenv|account-hook|folder-hook)\b")


def parse(text: str) -> Iterator[Entry]:
    """Give every variable that a line sets under (name,)."""
    for line in payload(continued(numbered(text))):
        body = line.text.strip()
        if not _SETS.match(body):
            continue
        for found in _SETTING.finditer(body):
            yield from _setting(found[1], found[2], line.number)


def _setting(name: str, raw: str, number: int) -> Iterator[Entry]:
    word = None if raw.startswith("`") else quoting.unquote(raw)
    value = word.text if word else raw
    if value.startswith("`") and value.endswith("`"):
        yield Entry((name,), value.strip("`"), number, Role.COMMAND)
    elif value.startswith(("set ", "source ")):
        for found in _SETTING.finditer(value):
            yield Entry((found[1],), found[2].strip("\"'"), number)
    else:
        yield Entry((name,), value, number, quoted=word is not None)
