"""RouterOS exports: a menu line, then `add`, `set` and `[ find ... ]` with name=value words."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats import quoting
from checks.formats.textlines import numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.rsc", "*.rsc.*")

_PAIR: Final = regex(rf"(?<![^\s\[])([a-z][\w.\-]*+)=({quoting.DOUBLE}|\S*+)")
_ESCAPE: Final = regex(r"\\(?:([0-9A-F]{2})|(.))", re.DOTALL)
_NAMES: Final = {"n": "\n", "r": "\r", "t": "\t", "_": " ", "a": "\a", "b": "\b"}
_SECRET: Final = regex(
    r"(?:password|secret|passphrase|shared-secret|wpa2?-pre-shared-key|pre-shared-key|preshared-key"
    r"|private-key|auth(?:entication)?-password|encryption-password|ipsec-secret|supplicant-password"
    r"|wps-key|static-key-\d|static-sta-private-key|tcp-md5-key|key-string|authentication-key"
    r"|login-password|dial-password|smb-password|api-password|http-password|management-protection-key"
    r"|security\.passphrase|security\.eap-password|mschapv2-password|radius-password|v3-password"
    r"|default-secret|lcd-pin|pin)\Z"
)
_SNIFF: Final = regex(
    r"^# .{1,40} by RouterOS "
    r"|^/(?:interface|ip|ppp|system|user|snmp|routing|queue)[ \w\-]*\n(?:add|set) ",
    re.MULTILINE,
)


def sniff(head: str) -> bool:
    """Know an export by its first comment or its menus."""
    likely = "RouterOS" in head or "\nadd " in head or "\nset " in head
    return likely and _SNIFF.search(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give each setting under (menu, name), credentials with the name of what they belong to."""
    menu = ""
    for command in _commands(text):
        body = command.text
        if not body.strip() or body.lstrip()[0] == "#":
            continue
        if body[0] == "/":
            menu = " ".join(word for word in body.split(" [")[0].split() if "=" not in word)
        yield from _settings(menu, command)


class _Command(NamedTuple):
    """One command; `starts` are the offsets at which the parts of its lines begin."""

    text: str
    first: int
    starts: list[int]

    def line(self, offset: int) -> int:
        """Give the line of an offset."""
        return self.first + bisect_right(self.starts, offset) - 1


def _commands(text: str) -> Iterator[_Command]:
    """Join what a backslash ends with what follows; the indent there is not part of a value."""
    parts: list[str] = []
    starts: list[int] = []
    length = first = 0
    for line in numbered(text):
        part = line.text.lstrip(" ") if parts else line.text
        going = part.endswith("\\")
        first = first if parts else line.number
        part = part[:-1] if going else part
        parts.append(part)
        starts.append(length)
        length += len(part)
        if not going:
            yield _Command("".join(parts), first, starts)
            parts, starts, length = [], [], 0
    if parts:
        yield _Command("".join(parts), first, starts)


def _settings(menu: str, command: _Command) -> Iterator[Entry]:
    pairs = [(found[1], _plain(found[2]), found) for found in _PAIR.finditer(command.text)]
    owner = next((value for name, value, _ in pairs if name in {"name", "user", "peer"}), "")
    for name, value, found in pairs:
        number, quoted = command.line(found.start(2)), found[2].startswith('"')
        community = menu.startswith("/snmp community") and name == "name"
        if (_SECRET.match(name) or community) and value:
            subject = "" if community else owner
            yield Entry((menu, name), value, number, Role.SECRET, quoted, subject)
        else:
            yield Entry((menu, name), value, number, quoted=quoted)


def _plain(raw: str) -> str:
    if not (raw.startswith('"') and raw.endswith('"') and len(raw) > 1):
        return raw
    return _ESCAPE.sub(_escape, raw[1:-1])


def _escape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _NAMES.get(found[2], found[2])
