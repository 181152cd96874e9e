"""coturn: `name=value` lines with users, shared secrets and database logins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.copies import with_copies
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (*with_copies("turnserver.conf", "coturn.conf"), "coturn/*.conf")

_SETTING: Final = regex(r"-{0,2}([A-Za-z][\w\-]*+)(?:[ \t]*+=[ \t]*+|[ \t]++)(.+)\Z")
_SECRET: Final = frozenset({"static-auth-secret", "cli-password", "pkey-pwd", "web-admin-password"})
_KEY: Final = regex(r"0x[0-9A-Fa-f]{32,64}\Z")
"""MD5 or SHA-256 of user, realm and password: it logs in as the password does."""


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (name,); `user=NAME:PASSWORD` with the user as the subject."""
    for line in payload(numbered(text)):
        found = _SETTING.match(line.text.strip())
        if found is None:
            continue
        name = found[1].lower()
        word = quoting.unquote(found[2]) or quoting.Word(found[2].strip())
        if name == "user":
            user, _, password = word.text.partition(":")
            role = Role.HASH if _KEY.match(password) else Role.SECRET
            yield Entry((found[1],), password, line.number, role, word.quoted, user)
        else:
            role = Role.SECRET if name in _SECRET else Role.NAMED
            if role is Role.SECRET and word.text.startswith("$5$"):
                role = Role.HASH
            yield Entry((found[1],), word.text, line.number, role, word.quoted)
