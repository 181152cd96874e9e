"""Pre-shared keys of IPsec: ipsec.secrets of strongSwan and Libreswan, psk.txt of racoon."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import Line, folded, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "ipsec.secrets", "ipsec*.secrets", "ipsec.d/*.secrets", "strongswan/*.secrets", "psk.txt",
    "racoon/*.psk",
)  # fmt: skip

ALWAYS: tuple[str, ...] = NAMES

_ENTRY: Final = regex(
    r"(?P<ids>[^\n]*?)(?:(?<=\s)|^):\s*+"
    r"(?P<type>PSK|XAUTH|EAP|NTLM|RSA|ECDSA|BLISS|P8|P12|PKCS8|PKCS12|PIN)\b(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_WITH_FILE: Final = frozenset({"RSA", "ECDSA", "BLISS", "P8", "P12", "PKCS8", "PKCS12", "PIN"})
_PRIVATE: Final = regex(
    r"\b(PrivateExponent|Prime1|Prime2|Exponent1|Exponent2|Coefficient)\s*:\s*(0[xs]\S+)"
)


def parse(text: str) -> Iterator[Entry]:
    """Give each secret under (type,), or (type, file) for a key's passphrase; subject the ids."""
    for line in folded(numbered(text)):
        if line.text.lower().startswith(("include ", "conn ", "config ")):
            continue
        found = _ENTRY.match(line.text)
        if found:
            yield from _secret(found, line.number)
        elif ":" not in line.text.split(None, 1)[0] or line.text.count(":") > 1:
            yield from _racoon(line)


def _secret(found: re.Match[str], number: int) -> Iterator[Entry]:
    kind, rest, ids = found["type"].upper(), found["rest"].strip(), found["ids"].strip()
    if rest.startswith("{"):
        for part in _PRIVATE.finditer(rest):
            yield Entry((kind, part[1]), part[2], number, Role.SECRET, subject=ids)
        return
    words = [word for word in quoting.words(rest) if word.quoted or not word.text.startswith("#")]
    place = 1 if kind in _WITH_FILE else 0
    if len(words) <= place or (words[place].text.startswith("%") and not words[place].quoted):
        return
    keys = (kind, words[0].text, "passphrase") if place else (kind,)
    value = words[place]
    yield Entry(keys, value.text, number, Role.SECRET, value.quoted, ids)


def _racoon(line: Line) -> Iterator[Entry]:
    """Read `identifier key`; the key is the rest of the line."""
    parts = line.text.split(None, 1)
    if len(parts) == 2:
        yield Entry(("psk",), parts[1].strip(), line.number, Role.SECRET, subject=parts[0])
