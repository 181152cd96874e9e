"""Tables of a name and a key: chrony.keys, hostapd.wpa_psk, davfs2 secrets, RADIUS servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import Line, numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "chrony.keys", "chrony*.keys", "ntp.keys", "ntp/keys", "ntpkeys", "*.wpa_psk",
    "davfs2/secrets", ".davfs2/secrets", "raddb/clients", "raddb/server", "pam_radius_auth.conf",
    "pam_radius.conf", "tac_plus.keys", "radiusclient/servers", "radiusclient-ng/servers",
    "radcli/servers", "openntpd/keys", "isns/auth",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_MAC: Final = regex(r"((?:\w+=\S+\s+)*[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})\s+(.+)\Z")
_NTP_TYPE: Final = regex(
    r"(?:MD5|M|A|S|N|SHA1|SHA|SHA256|SHA384|SHA512|SHA3-\d{3}|AES128|AES256|AES128CMAC|TIGER|RMD160"
    r"|WHIRLPOOL)\Z",
    re.IGNORECASE,
)


def parse(text: str) -> Iterator[Entry]:
    """Give each key under (name, "key"), subject the user where a table has one."""
    for line in payload(numbered(text), "#;"):
        station = _MAC.match(line.text.strip())
        if station:
            yield Entry((station[1], "psk"), station[2].strip(), line.number, Role.SECRET)
        else:
            yield from _words(line)


def _words(line: Line) -> Iterator[Entry]:
    """Read `id type key` (NTP), `url user password` (davfs2) or `server secret timeout`."""
    found: list[quoting.Word] = []
    for word in quoting.words(line.text):
        if word.text.startswith("#") and not word.quoted and len(found) > 1:
            break
        found.append(word)
    if len(found) < 2:
        return
    name, subject, value = found[0].text, "", found[1]
    if name.isdigit() and len(found) > 2 and _NTP_TYPE.match(value.text):
        value = found[2]
    elif len(found) > 2 and not found[2].text.isdigit():
        subject, value = value.text, found[2]
    if value.text:
        plain = value.text.removeprefix("ASCII:").removeprefix("HEX:")
        yield Entry((name, "key"), plain, line.number, Role.SECRET, value.quoted, subject)
