"""Debian preseed files and debconf selections: `owner question type value`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import roles
from checks.formats.textlines import continued, numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "preseed", "*preseed*.cfg", "*.preseed", "*.seed", "preseed*.txt", "debconf-selections",
    "*debconf*.txt", "*.debconf",
)  # fmt: skip


_TYPES: Final = (
    "boolean", "error", "multiselect", "note", "password", "select", "seen", "string", "text",
    "title", "entropy",
)  # fmt: skip
_LINE: Final = regex(rf"(\S+)[ \t]++(\S+)[ \t]++({'|'.join(_TYPES)})(?:[ \t](.*))?\Z", re.DOTALL)
_WIRELESS: Final = regex(r"/wireless_(?:wpa|wep)\Z")
_COMMANDS: Final = regex(r"(?:_command|/run|early_command|late_command)\Z")


def sniff(head: str) -> bool:
    """Recognise a preseed by the installer's own questions."""
    return (
        "d-i" in head
        and re.search(
            r"^d-i[ \t]+[a-z\-]+/\S+[ \t]+(?:string|select|boolean|password)\b", head, re.MULTILINE
        )
        is not None
    )


def parse(text: str) -> Iterator[Entry]:
    """Give each answer under (owner, question); passwords and hashes by the question's type."""
    for line in payload(continued(numbered(text))):
        found = _LINE.match(line.text.strip())
        if found and found[4] and found[4].strip():
            value = found[4].strip()
            role = _role(found[2], found[3], value)
            if role is not Role.HASH or value[0] not in "!*":
                yield Entry((found[1], found[2]), value, line.number, role)


def _role(question: str, kind: str, value: str) -> Role:
    if _COMMANDS.search(question):
        return Role.COMMAND
    if question.endswith("-crypted"):
        return Role.HASH
    if kind == "password":
        return roles.stored(value)[0]
    return Role.SECRET if _WIRELESS.search(question) else Role.NAMED
