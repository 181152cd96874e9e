"""NetworkManager key files: wireless keys, 802.1X and VPN passwords, WireGuard keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import ini, quoting
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.nmconnection", "system-connections/*", "networkmanager/*.conf")
ALWAYS: tuple[str, ...] = ("*.nmconnection", "system-connections/*")

_SECRET: Final = regex(
    r"(?:psk|password|leap-password|wep-key\d|private-key|preshared-key|pin|private-key-password"
    r"|phase2-private-key-password|client-cert-password|ca-cert-password|password-raw|mka-cak)\Z"
)
_PATHS: Final = "802-1x"


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (section, name); credentials and all of `[vpn-secrets]` as such."""
    for entry in ini.read(text, ini.Style(inline=False, quotes=False)):
        value = quoting.c_unescape(entry.value)
        section, name = entry.keys[0], entry.keys[-1]
        secret = section == "vpn-secrets" or _SECRET.match(name) is not None
        if section == _PATHS and name.endswith("private-key"):
            secret = False
        yield entry._replace(value=value, role=Role.SECRET if secret else entry.role)
