"""rsyslog and syslog-ng: `action(name="value")`, `destination { driver(name("value")); }`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import Line, numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "rsyslog.conf", "rsyslog*.conf", "rsyslog.d/*.conf", "syslog-ng.conf", "syslog-ng/*.conf",
    "syslog-ng/*/*.conf", "rsyslog/*.conf",
)  # fmt: skip

_CALL: Final = regex(
    r"(?<![\w\-])([A-Za-z][\w\-]*+)[ \t]*+\([ \t]*+"
    rf"({quoting.DOUBLE}|{quoting.SINGLE}|[^\s()\"',]++)[ \t]*+\)"
)
_LEGACY: Final = regex(r":om(?:mysql|pgsql):([^,\s]*),([^,\s]*),([^,\s]*),([^;\s]+)")
_DIRECTIVE: Final = regex(r"(\$[A-Za-z]\w*+)[ \t]++(.*)\Z", re.DOTALL)


def parse(text: str) -> Iterator[Entry]:
    """Give each named argument under (name,), the database password of an old style action too."""
    for line in payload(numbered(text)):
        body = uncomment(line.text, "#").strip()
        legacy = _LEGACY.search(body)
        directive = _DIRECTIVE.match(body)
        if legacy:
            keys = ("action", "password")
            yield Entry(keys, legacy[4], line.number, Role.SECRET, subject=legacy[3])
        elif directive:
            yield Entry((directive[1],), directive[2].strip(), line.number)
        else:
            yield from _arguments(Line(line.number, body))


def _arguments(line: Line) -> Iterator[Entry]:
    for name, word in quoting.pairs(line.text):
        yield Entry((name,), word.text.rstrip(")") if not word.quoted else word.text, line.number,
                    quoted=word.quoted)  # fmt: skip
    for found in _CALL.finditer(line.text):
        quoted = quoting.unquote(found[2])
        value = quoted.text if quoted else found[2]
        yield Entry((found[1],), value, line.number, quoted=quoted is not None)
