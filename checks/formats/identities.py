"""Tables of TLS pre-shared keys: `identity:key` of stunnel and GnuTLS, a lone key of Zabbix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "stunnel/psk*", "stunnel/*.psk", "stunnel/*psk*.txt", "stunnel/*.secrets", "stunnel/*.keys",
    "stunnel*.psk", "psksecrets*", "keys.psk", "zabbix*.psk", "zabbix/*.psk", "zabbix/*psk*.key",
    "*.psk", "mosquitto/*.psk", "mosquitto/psk_file", "psk_file", "pskfile", "psk.secrets",
    "mosquitto/psk", "psk-secrets*",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_PAIR: Final = regex(r"([^\s:][^:]{0,127}+):[ \t]*+(\S++)\s*\Z")
_ALONE: Final = regex(r"[0-9A-Fa-f]{32,512}\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give each key under ("psk",) with its identity as the subject.

    Raises FormatError for a line of another form.
    """
    for line in payload(numbered(text), "#;"):
        body = line.text.strip()
        pair = _PAIR.match(body)
        if pair:
            yield Entry(("psk",), pair[2], line.number, Role.SECRET, subject=pair[1].strip())
        elif _ALONE.match(body):
            yield Entry(("psk",), body, line.number, Role.SECRET)
        else:
            raise FormatError("neither an identity with its key nor a key", line.number)
