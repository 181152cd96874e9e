"""The PostgreSQL password file: host:port:database:user:password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    ".pgpass", "pgpass", "pgpass.conf", "*.pgpass", "pgpassfile", ".pcppass",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_FIELD: Final = regex(r"([^:\\]*+(?:\\.[^:\\]*+)*+):")
_ESCAPE: Final = regex(r"\\(.)")


def _fields(text: str, count: int) -> tuple[list[str], str] | None:
    """Split off COUNT fields, a backslash escapes a colon; None when there are fewer."""
    fields: list[str] = []
    offset = 0
    for _ in range(count):
        found = _FIELD.match(text, offset)
        if found is None:
            return None
        fields.append(_ESCAPE.sub(r"\1", found[1]))
        offset = found.end()
    return fields, _ESCAPE.sub(r"\1", text[offset:])


def parse(text: str) -> Iterator[Entry]:
    """Give each password under (host, port, database, "password"), subject the user.

    A line with fewer than five fields is left out, as libpq does; pgpool's .pcppass has four.
    """
    for line in payload(numbered(text)):
        split = _fields(line.text, 4) or _fields(line.text, 3)
        if split and split[1]:
            *place, user = split[0]
            yield Entry((*place, "password"), split[1], line.number, Role.SECRET, subject=user)
