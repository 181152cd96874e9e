"""FreeRADIUS: modules, clients and virtual servers; what unlang computes is no setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import continued, numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "freeradius/sites-available/*", "freeradius/sites-enabled/*", "freeradius/mods-available/*",
    "freeradius/mods-enabled/*", "freeradius/*.conf", "freeradius/*/*.conf",
    "freeradius/*/sites-available/*", "freeradius/*/sites-enabled/*",
    "freeradius/*/mods-available/*", "freeradius/*/mods-enabled/*", "freeradius/*/policy.d/*",
    "raddb/sites-available/*", "raddb/sites-enabled/*", "raddb/mods-available/*",
    "raddb/mods-enabled/*", "raddb/policy.d/*", "raddb/*.conf", "radiusd.conf",
    "clients.conf",
)  # fmt: skip

_OPENS: Final = regex(r"([\w\-.&!(][^{]*+)\{\s*\Z")
_SETTING: Final = regex(
    rf"([&\w][\w\-.:&\[\]]*+)\s*+(?::=|\+=|==|=)\s*+({quoting.DOUBLE}|{quoting.SINGLE}|[^\s#]++)"
)
_SECRET: Final = frozenset({
    "secret", "password", "private_key_password", "cleartext-password", "user-password",
    "psk_hexphrase", "client_secret", "api_key",
})  # fmt: skip
_NO_VALUE: Final = regex(r"%\{|&|\$\{|`|\d+\Z")
_MOST_DEPTH: Final = 64


def parse(text: str) -> Iterator[Entry]:
    """Give each setting under (blocks..., name); attributes that take computed values are left out.

    A block beyond the 64th level counts as part of the one around it.
    """
    blocks: list[str] = []
    depth = 0
    for line in payload(continued(numbered(text))):
        body = uncomment(line.text, "#").strip()
        while body.startswith("}"):
            depth = max(0, depth - 1)
            del blocks[depth:]
            body = body[1:].strip()
        opened = _OPENS.match(body)
        if opened:
            depth += 1
            if depth <= _MOST_DEPTH:
                blocks.append(" ".join(opened[1].split()[:2]))
            continue
        found = _SETTING.match(body)
        if found:
            yield from _setting(tuple(blocks), found, line.number)


def _setting(blocks: tuple[str, ...], found: re.Match[str], number: int) -> Iterator[Entry]:
    name = found[1].lstrip("&").rpartition(":")[2]
    word = quoting.unquote(found[2])
    value = word.text if word else found[2]
    attribute = not name.islower()
    if _NO_VALUE.match(value) or (attribute and ("%{" in value or value[:1] == "&")):
        return
    certain = name.lower() in _SECRET or name.endswith("-Secret")
    role = Role.SECRET if certain else Role.NAMED
    yield Entry((*blocks, name), value, number, role, word is not None)
