"""RANCID's logins of network devices: `add password 10.* {vty} {enable}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (".cloginrc", "cloginrc", "*.cloginrc")
ALWAYS: tuple[str, ...] = NAMES

_ADD: Final = regex(r"\s*add\s+(\w{1,32})\s+(\{[^{}]*\}|\S+)\s+(\S.*)")
_WORD: Final = regex(r"\{([^{}]*)\}|(\S+)")
_SECRETS: Final = frozenset({"password", "passphrase", "userpassword", "enablepassword"})


def parse(text: str) -> Iterator[Entry]:
    """Give each password under (setting,) with the devices' pattern as the subject."""
    for line in payload(numbered(text)):
        added = _ADD.match(line.text)
        if added is None or added[1].lower() not in _SECRETS:
            continue
        for word in _WORD.finditer(added[3]):
            value = word[1] if word[1] is not None else word[2]
            devices = added[2].strip("{}")
            if value:
                yield Entry((added[1],), value, line.number, Role.SECRET, subject=devices)
