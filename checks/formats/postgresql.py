"""PostgreSQL server settings: strings of connection, a passphrase that a command prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.copies import with_copies
from checks.formats.textlines import numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies("postgresql.conf", "postgresql.auto.conf", "recovery.conf"),
    "postgresql*.conf", "postgresql/*/*/conf.d/*.conf", "pgsql/*/*.conf",
    "patroni.dynamic.conf", "repmgr.conf", "repmgr/*.conf",
)  # fmt: skip

_SETTING: Final = regex(r"([A-Za-z_][\w.]*+)[ \t]*+=?[ \t]*+(?:'((?:[^']|'')*+)'|(\S*+))")
_PRINTED: Final = regex(r"\s*(?:/bin/|/usr/bin/)?(?:echo|printf)(?:\s+-[ne]+)*\s+(\S.*)\Z")
_PLAIN: Final = regex(r"\"([^\"$`\\]+)\"\Z|'([^']+)'\Z|([^\"'$`|;&<>\s]+)\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give every setting under (name,), a command as one and what it prints as a secret."""
    for line in payload(numbered(text)):
        found = _SETTING.match(uncomment(line.text, "#").strip())
        if found is None:
            continue
        quoted = found[2] is not None
        value = (found[2] or "").replace("''", "'") if quoted else found[3]
        yield from _setting(found[1], value, line.number, quoted=quoted)


def _setting(name: str, value: str, number: int, *, quoted: bool) -> Iterator[Entry]:
    printed = _PRINTED.match(value) if name == "ssl_passphrase_command" else None
    plain = _PLAIN.match(printed[1]) if printed else None
    if plain:
        yield Entry((name,), plain[1] or plain[2] or plain[3], number, Role.SECRET, quoted)
    else:
        role = Role.COMMAND if name.endswith("_command") else Role.NAMED
        yield Entry((name,), value, number, role, quoted)
