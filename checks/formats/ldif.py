"""LDIF: stored passwords of directory entries, slapd's own configuration among them."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting, roles
from checks.formats.textlines import Line, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.ldif", "*.ldif.*", "*.ldf")

_ATTRIBUTE: Final = regex(r"([A-Za-z][\w.\-]*+(?:(?>;[\w\-]++))*+):(:?)[ \t]*+(.*)\Z", re.DOTALL)
_PASSWORDS: Final = frozenset({
    "userpassword", "olcrootpw", "olcdbrootpw", "authpassword", "clearpassword", "unicodepwd",
    "pwdhistory",
})  # fmt: skip
_HASHES: Final = frozenset({
    "sambantpassword", "sambalmpassword", "krbprincipalkey", "pwdhistory",
})  # fmt: skip


def parse(text: str) -> Iterator[Entry]:
    """Give each attribute under (dn, attribute), base64 decoded; `olcSyncrepl` also by its parts.

    A value taken from a URL ("attr:< file:") gives nothing.
    """
    entry_name = ""
    for line in _unfolded(text):
        found = _ATTRIBUTE.match(line.text)
        if found is None or found[3].startswith("<"):
            continue
        name, value = found[1], _decoded(found[3]) if found[2] else found[3].rstrip()
        if name.lower() == "dn":
            entry_name = value
            continue
        yield from _attribute((entry_name, name), value, line.number)


def _attribute(keys: tuple[str, str], value: str, number: int) -> Iterator[Entry]:
    lower = keys[1].partition(";")[0].lower()
    if lower in _HASHES:
        yield Entry(keys, value, number, Role.HASH, subject=keys[0])
    elif lower in _PASSWORDS:
        role, plain = roles.stored(value)
        yield Entry(keys, plain, number, role, subject=keys[0])
    elif lower == "olcsyncrepl":
        for name, word in quoting.pairs(value):
            role = Role.SECRET if name == "credentials" else Role.NAMED
            yield Entry((*keys, name), word.text, number, role, word.quoted)
    else:
        yield Entry(keys, value, number)


def _decoded(value: str) -> str:
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return value.rstrip()


def _unfolded(text: str) -> Iterator[Line]:
    """Join lines that begin with one blank to the one before; RFC 2849 section 2."""
    parts: list[str] = []
    first = 0
    for line in numbered(text):
        if line.text.startswith(" ") and parts:
            parts.append(line.text[1:])
            continue
        if parts and not parts[0].startswith("#"):
            yield Line(first, "".join(parts))
        parts, first = [line.text], line.number
    if parts and not parts[0].startswith("#"):
        yield Line(first, "".join(parts))
