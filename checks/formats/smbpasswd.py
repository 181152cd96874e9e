"""smbpasswd(5) of Samba: the hashes of accounts, the NT one without salt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("smbpasswd", "smbpasswd.bak", "*.smbpasswd")
ALWAYS: tuple[str, ...] = NAMES

_ACCOUNT: Final = regex(r"([^:]{1,256}):\d{1,10}:([^:]{32}):([^:]{32}):\[")
_HASH: Final = regex(r"[0-9A-Fa-f]{32}")


def parse(text: str) -> Iterator[Entry]:
    """Give each hash under (user, "lm_hash" or "nt_hash"); accounts without one have X's there."""
    for line in payload(numbered(text)):
        if found := _ACCOUNT.match(line.text):
            for name, value in zip(("lm_hash", "nt_hash"), found.groups()[1:], strict=True):
                if _HASH.fullmatch(value):
                    yield Entry((found[1], name), value, line.number, subject=found[1])
