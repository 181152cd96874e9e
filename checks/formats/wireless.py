"""Wireless networks: wpa_supplicant and hostapd; `name=value` to the letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import Line, numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "wpa_supplicant.conf", "wpa_supplicant*.conf", "wpa_supplicant/*.conf", "wpa*.conf",
    "hostapd.conf", "hostapd*.conf", "hostapd/*.conf",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_SETTING: Final = regex(r"([A-Za-z]\w*+)=(.*)\Z", re.DOTALL)
_SECRET: Final = regex(
    r"(?:psk|wpa_psk|ft_psk|password|sae_password|wpa_passphrase|wep_key\d?|pin|private_key2?_passwd"
    r"|mka_cak|(?:auth|acct)_server_shared_secret|radius_das_client|owe_transition_psk|ap_pin"
    r"|dh_file_passwd|private_key_passwd|ca_private_key_passwd)\Z"
)
_REFERENCE: Final = ("ext:", "file:")


def parse(text: str) -> Iterator[Entry]:
    """Give each setting under (block, name), credentials with the SSID as their subject."""
    block: list[tuple[str, str, int, bool]] = []
    inside: tuple[str, ...] = ()
    for line in payload(numbered(text)):
        body = line.text.strip()
        if body.endswith("={"):
            yield from _block(inside, block)
            inside, block = (body[:-2],), []
        elif body == "}":
            yield from _block(inside, block)
            inside, block = (), []
        else:
            found = _SETTING.match(body)
            if found:
                block.append((found[1], *_value(Line(line.number, found[2]))))
    yield from _block(inside, block)


def _value(line: Line) -> tuple[str, int, bool]:
    """Give (value, line, quoted): the text between the first and the last quote is a phrase."""
    raw = line.text.strip()
    if raw.startswith('P"') and raw.endswith('"') and len(raw) > 2:
        return quoting.c_unescape(raw[2:-1]), line.number, True
    end = raw.rfind('"')
    if raw.startswith('"') and end > 0:
        return raw[1:end], line.number, True
    return uncomment(raw, "#"), line.number, False


def _block(inside: tuple[str, ...], block: list[tuple[str, str, int, bool]]) -> Iterator[Entry]:
    ssid = next((value for name, value, _, _ in block if name in {"ssid", "identity"}), "")
    for name, value, number, quoted in block:
        keys = (*inside, name)
        if not _SECRET.match(name) or value.startswith(_REFERENCE):
            yield Entry(keys, value, number, quoted=quoted)
        elif value.startswith("hash:"):
            yield Entry(keys, value, number, Role.HASH, quoted, ssid)
        else:
            plain = value.partition("|")[0] if name == "sae_password" else value
            yield Entry(keys, plain, number, Role.SECRET, quoted, ssid)
