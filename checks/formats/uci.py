"""OpenWrt's UCI: `config type 'name'`, then `option name 'value'` and `list name 'value'`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("etc/config/*", "*.uci")

_SECRET: Final = regex(
    r"(?:password|passwd|key\d?|private_key|preshared_key|psk|pre_shared_key|secret|auth_secret"
    r"|acct_secret|priv_key_pwd|pincode|wpa_passphrase|sae_password|auth_pass|proxy_password"
    r"|enc_key|auth_key|community|r0_key_holder)\Z"
)
_REFERENCE: Final = regex(r"\d{1,2}\Z|/")
"""A number says which of key1 to key4 counts, a path where the key lies."""


def parse(text: str) -> Iterator[Entry]:
    """Give every option under (type, section, option), credentials with the SSID or user."""
    section: tuple[str, ...] = ()
    owner = ""
    for line in payload(numbered(text)):
        words = quoting.words(line.text)
        name = words[0].text
        if name == "config":
            section, owner = tuple(word.text for word in words[1:3]), ""
        elif name in {"option", "list"} and len(words) > 2:
            value = words[2]
            owner = value.text if words[1].text in {"ssid", "username", "name"} else owner
            secret = _SECRET.match(words[1].text) and not _REFERENCE.match(value.text)
            role = Role.SECRET if secret else Role.NAMED
            keys = (*section, words[1].text)
            yield Entry(keys, value.text, line.number, role, value.quoted, owner)
