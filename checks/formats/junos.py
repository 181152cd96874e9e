"""Junos and VyOS: braces, statements with or without semicolons, `set` lines of words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting, roles
from checks.formats.textlines import Line, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.junos", "juniper.conf*", "*.boot", "config.boot*", "*.vyos")

_LABELS: Final = frozenset({
    "secret", "authentication-key", "plaintext-password", "plaintext-password-value", "password",
    "ascii-text", "hexadecimal", "simple-password", "pre-shared-secret", "pre-shared-key",
    "shared-secret", "authentication-password", "privacy-password", "encryption-password",
    "encrypted-password", "md5-key", "chap-secret", "pap-password", "community", "key", "psk",
    "wpa-passphrase", "private-key", "preshared-key", "trap-group-password",
})  # fmt: skip
_POSITIONS: Final = frozenset({"ascii-text", "hexadecimal", "ascii", "value", "plaintext"})
_MEMBERS: Final = regex(r"(?:\[|members\b)")
_SNIFF: Final = regex(
    r"^(?:system|interfaces|protocols|service|security|routing-options)\s*\{[ \t]*$", re.MULTILINE
)
_INNER: Final = regex(
    r"^\s+(?:host-name|login|root-authentication|ethernet|snmp|ssh|community|ge-\S+|"
    r"radius-server|authentication)\b",
    re.MULTILINE,
)


def recognises(head: str) -> bool:
    """Say whether a text looks like such a configuration."""
    return _SNIFF.search(head) is not None and _INNER.search(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give each credential under (label,), the words in front of it as the subject."""
    comment = False
    for line in numbered(text):
        body = line.text.strip()
        comment = comment or body.startswith("/*")
        if body and not comment and body[0] != "#":
            yield from _statement(Line(line.number, body.rstrip(" ;{")))
        comment = comment and "*/" not in body


def _statement(line: Line) -> Iterator[Entry]:
    words = quoting.words(line.text.split("; ##")[0].rstrip(" ;"))
    for place, word in enumerate(words[:-1]):
        if word.quoted or word.text not in _LABELS:
            continue
        value = words[place + 1]
        if value.text in _POSITIONS and place + 2 < len(words):
            value = words[place + 2]
        if not value.text or _MEMBERS.match(value.text) or value.text in _LABELS:
            continue
        if word.text in {"community", "key"} and value.text.isdigit():
            continue
        role, plain = roles.stored(value.text)
        role = Role.HASH if word.text == "encrypted-password" else role
        subject = words[place - 1].text if place else ""
        yield Entry((word.text,), plain, line.number, role, value.quoted, subject)
        return
