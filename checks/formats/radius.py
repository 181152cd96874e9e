"""The users file of FreeRADIUS: check items such as `bob Cleartext-Password := "x"`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "raddb/users", "freeradius/users", "freeradius/*/users", "files/authorize", "radius/users",
    "raddb/users.*", "raddb/mods-config/files/authorize", "users.radius",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_ITEM: Final = regex(
    rf"(?<![\w\-])([A-Za-z][\w\-]*+)\s*+(?::=|==|\+=|=)\s*+({quoting.DOUBLE}|{quoting.SINGLE}|[^\s,]++)"
)
_CLEAR: Final = frozenset({"cleartext-password", "user-password", "chap-password", "password"})
_WORDS: Final = regex(r"password|secret|psk", re.IGNORECASE)


def parse(text: str) -> Iterator[Entry]:
    """Give every password item under (user, attribute) with the user as the subject.

    Other items are given under the same path as ordinary values.
    """
    user = ""
    for line in payload(numbered(text)):
        body = line.text.strip()
        start = 0
        if not line.indent:
            first = quoting.words(body)[0]
            user = first.text
            start = len(body.split(None, 1)[0]) if not first.quoted else len(first.text) + 2
        for found in _ITEM.finditer(body, start):
            yield _entry(user, found, line.number)


def _entry(user: str, found: re.Match[str], number: int) -> Entry:
    word = quoting.unquote(found[2])
    name = found[1].lower()
    role = Role.NAMED
    if name in _CLEAR:
        role = Role.SECRET
    elif name.endswith("-password"):
        role = Role.HASH
    value = word.text if word else found[2]
    return Entry((user, found[1]), value, number, role, word is not None, user)
