"""Stored credentials of Subversion: the client's auth area and the server's conf/passwd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import ini
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    ".subversion/auth/*/*", "subversion/auth/*/*", "svn.simple/*", "svn.ssl.client-passphrase/*",
    "conf/passwd", "svn/passwd", "svnserve.passwd",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_LENGTH: Final = regex(r"([KV]) (\d{1,9})\n")
_SECRET: Final = frozenset({"password", "passphrase"})


def parse(text: str) -> Iterator[Entry]:
    """Give the stored password under (realm, "password"), or those of `[users]` of svnserve."""
    if text.startswith("K "):
        yield from _stored(text)
        return
    for entry in ini.read(text, ini.Style(inline=False, quotes=False)):
        if entry.keys[0] == "users" and len(entry.keys) == 2:
            yield entry._replace(role=Role.SECRET, subject=entry.keys[1])


def _stored(text: str) -> Iterator[Entry]:
    """Read the serialised hash: K length, key, V length, value, END."""
    fields: dict[str, tuple[str, int]] = {}
    offset, line, key = 0, 1, ""
    while not text.startswith("END", offset):
        found = _LENGTH.match(text, offset)
        if found is None:
            raise FormatError("not a serialised hash", line)
        start, length = found.end(), int(found[2])
        value = text[start : start + length]
        if found[1] == "K":
            key = value
        else:
            fields[key] = value, line + 1
        line += 2 + value.count("\n")
        offset = start + length + 1
    realm = fields.get("svn:realmstring", ("", 0))[0]
    user = fields.get("username", ("", 0))[0]
    for name, (value, number) in fields.items():
        secret = name in _SECRET
        role, subject = (Role.SECRET, user) if secret else (Role.NAMED, "")
        yield Entry((realm, name), value, number, role, subject=subject)
