"""monit: who may use its web server, and the mail server's credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "monitrc", ".monitrc", "monit.conf", "monit/*.conf", "monit.d/*", "monit/conf.d/*",
    "monit/conf-available/*", "monit/conf-enabled/*",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES

_ALLOW: Final = regex(
    r"""\ballow[ \t]++(?:"([^":]++)"|([A-Za-z_][^\s:/"]*+)):"""
    rf"({quoting.DOUBLE}|{quoting.SINGLE}|[^\s:]\S*+)"
)
_ADDRESS: Final = regex(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*(?:/\d+)?\Z")
_PASSWORD: Final = regex(
    rf"""(?:\busername[ \t]++({quoting.DOUBLE}|\S++)[ \t]++(?:with[ \t]++)?)?\bpassword[ \t]++"""
    rf"""({quoting.DOUBLE}|{quoting.SINGLE}|[^\s,]++)""",
    re.IGNORECASE,
)
_PROGRAM: Final = regex(
    rf"\b(start|stop|restart|exec|with path)(?: program)?[ \t]*+=?[ \t]*+({quoting.DOUBLE})"
)


def parse(text: str) -> Iterator[Entry]:
    """Give passwords under ("allow",) and ("password",) with the user, programs as commands."""
    for line in payload(numbered(text)):
        body = uncomment(line.text, "#")
        for found in _ALLOW.finditer(body):
            user = found[1] or found[2]
            if not _ADDRESS.match(f"{user}:{found[3]}"):
                yield _secret("allow", found[3], line.number, user)
        for found in _PASSWORD.finditer(body):
            yield _secret("password", found[2], line.number, _bare(found[1] or "").text)
        for found in _PROGRAM.finditer(body):
            yield Entry((found[1],), _bare(found[2]).text, line.number, Role.COMMAND, quoted=True)


def _bare(raw: str) -> quoting.Word:
    return quoting.unquote(raw) or quoting.Word(raw, quoted=False)


def _secret(name: str, raw: str, number: int, user: str) -> Entry:
    word = _bare(raw)
    return Entry((name,), word.text, number, Role.SECRET, word.quoted, user)
