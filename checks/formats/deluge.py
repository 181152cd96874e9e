"""Users of the Deluge daemon: `user:password:level`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("deluge/auth", "deluged/auth", "deluge/config/auth")
ALWAYS: tuple[str, ...] = NAMES

_USER: Final = regex(r"\s*([^:\s#]{1,64}):(.+):(?:\d{1,2}|[A-Z]+)\s*\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give each password under (user,) with the user as the subject."""
    for line in payload(numbered(text)):
        found = _USER.match(line.text)
        if found:
            yield Entry((found[1],), found[2], line.number, Role.SECRET, subject=found[1])
