"""GRUB: boot loader passwords in grub.d scripts, grub.cfg, user.cfg and the old menu.lst."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "grub.cfg", "grub.d/*", "grub2.cfg", "grub/custom.cfg", "grub2/user.cfg", "user.cfg",
    "menu.lst", "grub.conf", "grub.cfg.*", "boot/grub/*.cfg", "boot/grub2/*.cfg", "custom.cfg",
    "lilo.conf",
)  # fmt: skip

_DIRECTIVE: Final = regex(r"[ \t]*+(password(?:_pbkdf2)?)(?:[ \t]++|[ \t]*+=[ \t]*+)(.*)\Z")
_ASSIGNED: Final = regex(r"[ \t]*+(?:export[ \t]+)?(GRUB2?_PASSWORD)=(.*)\Z")
_HASHED: Final = frozenset({"--md5", "--encrypted", "--sha256", "--sha512"})


_SUPERUSERS: Final = regex(r"^[ \t]*set[ \t]+superusers=", re.MULTILINE)


def sniff(head: str) -> bool:
    """Know a configuration by its superusers."""
    return "superusers=" in head and _SUPERUSERS.search(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give each password or hash under (directive,), with the user as its subject."""
    for line in payload(numbered(text)):
        found = _DIRECTIVE.match(line.text)
        assigned = _ASSIGNED.match(line.text)
        if assigned:
            yield Entry((assigned[1],), assigned[2].strip(" \t\"'"), line.number, Role.HASH)
        elif found:
            yield from _password(found[1], quoting.words(found[2]), line.number)


def _password(name: str, words: list[quoting.Word], number: int) -> Iterator[Entry]:
    """Read `user password` (GRUB 2), `[--md5] password [file]` (GRUB 1) or `=password` (LILO)."""
    hashed = name != "password" or (bool(words) and words[0].text in _HASHED)
    rest = words[1:] if words and words[0].text.startswith("--") else words
    if not rest:
        return
    two = len(rest) > 1 and not rest[1].text.startswith(("/", "("))
    value = rest[1] if two else rest[0]
    owner = rest[0].text if two else ""
    role = Role.HASH if hashed else Role.SECRET
    yield Entry((name,), value.text, number, role, value.quoted, owner)
