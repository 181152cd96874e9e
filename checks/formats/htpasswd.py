"""Password files of web servers: user:hash of htpasswd, user:realm:hash of htdigest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import roles
from checks.formats.copies import with_copies
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies(".htpasswd", "htpasswd"), "*.htpasswd", ".htpasswd*", "*_htpasswd", "*-htpasswd",
    ".htdigest", "htdigest", "*.htdigest", "nagios/passwd", "htpasswd.users", "squid/passwd",
    "squid3/passwd", "nginx/passwd", "apache2/passwd", "httpd/passwd",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES

_DIGEST: Final = regex(r"([^:]*+):([0-9a-f]{32})\Z")
_LOCKED: Final = ("!", "*")


def parse(text: str) -> Iterator[Entry]:
    """Give each password under (user,) with the user as the subject: a hash, or clear text.

    The realm of a digest goes between: (realm, user).
    """
    for line in payload(numbered(text)):
        user, colon, rest = line.text.strip().partition(":")
        if not colon or not rest or rest.startswith(_LOCKED):
            continue
        digest = _DIGEST.match(rest)
        if digest:
            keys = (digest[1], user)
            yield Entry(keys, digest[2], line.number, Role.HASH, subject=user)
            continue
        role, value = roles.stored(rest, des=True)
        # A hash may be followed by further fields (nginx: a comment), clear text may hold colons.
        value = value.partition(":")[0] if role is Role.HASH else value
        yield Entry((user,), value, line.number, role, subject=user)
