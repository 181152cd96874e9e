"""Settings of mbsync (isync): stores and accounts, one setting a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (".mbsyncrc", "mbsyncrc", "isyncrc", ".isyncrc", "*.mbsyncrc")
ALWAYS: tuple[str, ...] = NAMES

_SETTING: Final = regex(r"\s*([A-Za-z][A-Za-z0-9]*)\s+(\S.*?)\s*\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give each setting under (name,); Pass is a secret, PassCmd a command line."""
    user = ""
    for line in payload(numbered(text)):
        found = _SETTING.match(line.text)
        if found is None:
            continue
        name = found[1].lower()
        word = quoting.unquote(found[2])
        value = word.text if word else found[2]
        user = value if name == "user" else user
        if name == "pass":
            yield Entry((found[1],), value, line.number, Role.SECRET, word is not None, user)
        else:
            role = Role.COMMAND if name == "passcmd" else Role.NAMED
            yield Entry((found[1],), value.removeprefix("+"), line.number, role)
