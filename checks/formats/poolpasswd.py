"""Passwords of Pgpool-II: `user:TEXTpassword`, `user:md5…`, `user:AES…`, `user:password`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("pool_passwd", "pcp.conf", "pool_passwd.*", "pcp.conf.*")
ALWAYS: tuple[str, ...] = NAMES

_MD5: Final = regex(r"(?:md5)?[0-9a-f]{32}\Z")
_CLEAR: Final = "TEXT"
_ENCRYPTED: Final = "AES"
"""Encrypted with the key in `.pgpoolkey`."""


def parse(text: str) -> Iterator[Entry]:
    """Give each password or hash under (user,) with the user as the subject."""
    for line in payload(numbered(text)):
        user, colon, value = line.text.strip().partition(":")
        if not colon or not value or value.startswith(_ENCRYPTED):
            continue
        role = Role.HASH if _MD5.match(value) else Role.SECRET
        yield Entry((user,), value.removeprefix(_CLEAR), line.number, role, subject=user)
