"""BIND and ISC DHCP: `key "name" { secret "..."; };` in named.conf, rndc.key and dhcpd.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.statements import Statement, statements
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "named.conf", "named*.conf", "named.conf.*", "bind/named.*", "rndc.key", "rndc.conf",
    "bind/*.conf",
    "bind/*.key", "named/*.conf", "named/*.key", "dhcpd.conf", "dhcpd*.conf", "ddns.key",
    "*.tsig", "bind.keys", "dhcp/*.conf", "dhcp/*.key", "session.key", "tsig.key", "nsupdate.key",
)  # fmt: skip
ALWAYS: tuple[str, ...] = ("rndc.key", "ddns.key", "session.key", "tsig.key", "nsupdate.key")

_SECRETS: Final = frozenset({"secret", "omapi-key-secret"})


def parse(text: str) -> Iterator[Entry]:
    """Give values under (blocks..., statement); the secret of a key has the key as subject."""
    for statement in statements(text, c_comments=True):
        if not statement.opens and len(statement.words) > 1:
            yield _entry(statement)


def _entry(statement: Statement) -> Entry:
    name, first, *rest = statement.words
    keys = (*statement.path, name.text)
    value = " ".join(word.text for word in (first, *rest))
    if name.text.lower() not in _SECRETS:
        return Entry(keys, value, first.line, quoted=first.quoted)
    owner = statement.path[-1].partition(" ")[2] if statement.path else ""
    return Entry(keys, value, first.line, Role.SECRET, first.quoted, owner)
