"""fetchmail's control file: words in any order, `user` and `password` with others between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload, uncomment
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (".fetchmailrc", "fetchmailrc", "*.fetchmailrc")
ALWAYS: tuple[str, ...] = NAMES

_USER: Final = frozenset({"user", "username"})
_PASSWORD: Final = frozenset({"pass", "password"})
_COMMANDS: Final = frozenset({"mda", "plugin", "plugout", "postconnect", "preconnect"})
_SERVER: Final = frozenset({"poll", "skip"})
_TAKING: Final = _USER | _PASSWORD | _COMMANDS | _SERVER
"""Words that take the next one as their value."""
_NOISE: Final = frozenset({"is", "="})


def parse(text: str) -> Iterator[Entry]:
    """Give passwords under (server, "password") with their user, and commands."""
    server = name = user = ""
    for line in payload(numbered(text)):
        for word in quoting.words(uncomment(line.text, "#")):
            value = word.text.strip(",;:") if not word.quoted else word.text
            if name and value in _NOISE and not word.quoted:
                continue
            if name in _PASSWORD:
                keys = (server, name) if server else (name,)
                yield Entry(keys, value, line.number, Role.SECRET, word.quoted, user)
            elif name in _COMMANDS:
                yield Entry((name,), value, line.number, Role.COMMAND)
            elif name in _SERVER:
                server = value
            elif name in _USER:
                user = value
            name = "" if name in _TAKING or word.quoted else value.lower()
