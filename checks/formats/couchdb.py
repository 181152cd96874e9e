"""Settings of CouchDB: INI whose section of administrators has their passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import ini
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.model import Entry

NAMES: tuple[str, ...] = (
    "couchdb/*.ini", "couchdb/etc/*.ini", "couchdb/local.d/*.ini", "couchdb/etc/local.d/*.ini",
    "local.d/*.ini", "local.ini",
)  # fmt: skip

_HASHED: Final = ("-pbkdf2-", "-hashed-")
"""What the server writes in place of a password when it starts."""


def parse(text: str) -> Iterator[Entry]:
    """Give what INI gives, the clear passwords of administrators as secrets."""
    for entry in ini.parse(text):
        if len(entry.keys) == 2 and entry.keys[0] == "admins":
            if not entry.value.startswith(_HASHED):
                yield entry._replace(role=Role.SECRET, subject=entry.keys[1])
            continue
        yield entry
