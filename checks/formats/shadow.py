"""Account files: the password field of shadow, gshadow, passwd, master.passwd and opasswd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.copies import with_copies
from checks.formats.textlines import Line, numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("shadow", "etc/shadow"), "shadow-", "gshadow", "gshadow-", "etc/passwd",
    "etc/passwd-", "etc/group", "master.passwd", "opasswd", "extrausers/passwd",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES

_GROUP_FIELDS: Final = 4
_OLD: Final = "$"


def parse(text: str) -> Iterator[Entry]:
    """Give each hash under (account,), role HASH; locked and shadowed accounts give nothing.

    An account of shadow or passwd that needs no password gives an empty value.
    """
    for line in payload(numbered(text)):
        fields = line.text.split(":")
        if len(fields) < 2 or not fields[0]:
            continue
        if len(fields) == _GROUP_FIELDS and fields[2].isdigit() and _OLD in fields[3]:
            yield from _history(fields, line)
            continue
        value = fields[1].strip()
        if value[:1] in {"!", "*"} or value == "x":
            continue
        if value or len(fields) > _GROUP_FIELDS:
            yield Entry((fields[0],), value, line.number, Role.HASH, subject=fields[0])


def _history(fields: list[str], line: Line) -> Iterator[Entry]:
    """Give the earlier hashes that pam_pwhistory keeps: user:uid:count:hash,hash."""
    for number, value in enumerate(fields[3].strip().split(",")):
        if value:
            keys = (fields[0], f"[{number}]")
            yield Entry(keys, value, line.number, Role.HASH, subject=fields[0])
