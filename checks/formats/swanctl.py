"""strongSwan: shared keys and passwords of swanctl.conf, secrets of plugins in strongswan.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import conflines
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "swanctl.conf", "swanctl/*.conf", "swanctl/conf.d/*.conf", "strongswan.conf",
    "strongswan.d/*.conf", "strongswan.d/*/*.conf",
)  # fmt: skip

_SECRET: Final = regex(r"(?:secret(?:_?\d+)?|psk|password|passphrase|pin)\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (blocks..., name), secrets with the last `id` of their block."""
    owner = ""
    block: tuple[str, ...] = ()
    for entry in conflines.read(text):
        if entry.keys[:-1] != block:
            owner, block = "", entry.keys[:-1]
        name = entry.keys[-1]
        owner = entry.value if name.startswith("id") else owner
        secret = _SECRET.match(name) is not None
        yield entry._replace(role=Role.SECRET, subject=owner) if secret else entry
