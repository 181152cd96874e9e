"""Settings of the TACACS+ daemon: shared keys, and the passwords of users by their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "tac_plus.conf", "tac_plus.cfg", "tac_plus*.conf", "tac_plus-ng.cfg", "tacacs.conf",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_VALUE: Final = rf"({quoting.DOUBLE}|{quoting.SINGLE}|[^\s\"'{{}};]++)"
_KEY: Final = regex(rf"(?:\A|[\s{{;])(key)\s*=\s*{_VALUE}")
_CLEAR: Final = regex(
    rf"(?:\A|[\s{{;])((?:password\s+)?\w{{2,10}})\s*=\s*(clear(?:text)?|des|crypt)\s+{_VALUE}"
)
_USER: Final = regex(rf"\b(?:user|host|group)\s*=?\s*{_VALUE}")
_HASHES: Final = frozenset({"des", "crypt"})


def parse(text: str) -> Iterator[Entry]:
    """Give keys under ("key",), passwords and hashes under (use,), with the user as the subject."""
    user = ""
    for line in payload(numbered(text)):
        named = _USER.search(line.text)
        user = _plain(named[1]) if named else user
        for found in _KEY.finditer(line.text):
            yield Entry(("key",), _plain(found[2]), line.number, Role.SECRET, subject=user)
        for found in _CLEAR.finditer(line.text):
            role = Role.HASH if found[2] in _HASHES else Role.SECRET
            yield Entry((found[1],), _plain(found[3]), line.number, role, subject=user)


def _plain(text: str) -> str:
    word = quoting.unquote(text)
    return word.text if word else text
