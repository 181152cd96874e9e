"""Asterisk: secrets of peers and managers, registrations, voice mail PINs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import ini
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "asterisk/*.conf", "asterisk/*/*.conf", "sip.conf", "iax.conf", "pjsip.conf", "voicemail.conf",
    "sip_*.conf", "manager.conf", "iax_*.conf", "pjsip_*.conf", "manager.d/*.conf",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_SECRETS: Final = frozenset({"secret", "md5secret", "password", "vmsecret", "remotesecret"})
_INCLUDE: Final = regex(r"^[ \t]*+#.*$", re.MULTILINE)
_TEMPLATED: Final = regex(r"^[ \t]*+(\[[^\]\n]*+\])[ \t]*+\([^)\n]*+\)", re.MULTILINE)
_REGISTER: Final = regex(r"(?:\w+://)?([^\s:@/]++):([^\s:@]++(?:(?>@(?=[^/]*@)[^\s:@]++))*+)[:@]")


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (section, name), credentials with the peer or user as the subject."""
    plain = _TEMPLATED.sub(r"\1", _INCLUDE.sub("", text))
    for entry in ini.read(plain):
        section, name = entry.keys[0], entry.keys[-1].lower()
        if name in _SECRETS and len(entry.keys) > 1:
            role = Role.HASH if name == "md5secret" else Role.SECRET
            yield entry._replace(role=role, subject=section)
        elif name == "register":
            yield from _register(entry)
        elif name.isdigit() and "," in entry.value and len(entry.keys) > 1:
            pin = entry.value.partition(",")[0].strip()
            yield entry._replace(value=pin, role=Role.SECRET, subject=entry.keys[-1])
        else:
            yield entry


def _register(entry: Entry) -> Iterator[Entry]:
    """Read `register => user:secret[:authuser]@host`."""
    found = _REGISTER.match(entry.value)
    if found:
        yield entry._replace(value=found[2], role=Role.SECRET, subject=found[1])
    else:
        yield entry
