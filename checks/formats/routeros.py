"""RouterOS exports: a menu line, then `add`, `set` and `[ find ... ]` with name=value words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import Line, continued, numbered
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = ("*.rsc", "*.rsc.*")

_PAIR: Final = re.compile(rf"(?<![^\s\[])([a-z][\w.\-]*+)=({quoting.DOUBLE}|\S*+)")
_ESCAPE: Final = re.compile(r"\\(?:([0-9A-F]{2})|(.))", re.DOTALL)
_NAMES: Final = {"n": "\n", "r": "\r", "t": "\t", "_": " ", "a": "\a", "b": "\b"}
_SECRET: Final = re.compile(
    r"(?:password|secret|passphrase|shared-secret|wpa2?-pre-shared-key|pre-shared-key|preshared-key"
    r"|private-key|auth(?:entication)?-password|encryption-password|ipsec-secret|supplicant-password"
    r"|wps-key|static-key-\d|static-sta-private-key|tcp-md5-key|key-string|authentication-key"
    r"|login-password|dial-password|smb-password|api-password|http-password|management-protection-key"
    r"|security\.passphrase|security\.eap-password|mschapv2-password|radius-password|v3-password"
    r"|default-secret|lcd-pin|pin)\Z"
)
_SNIFF: Final = re.compile(
    r"^# .{1,40} by RouterOS |^/(?:interface|ip|ppp|system|user|snmp|routing|queue)[ \w\-]*\n(?:add|set) ",
    re.MULTILINE,
)


def sniff(head: str) -> bool:
    """Know an export by its first comment or its menus."""
    return _SNIFF.search(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give each setting under (menu, name), credentials with the name of what they belong to."""
    menu = ""
    for line in continued(_unfolded(text), glue=""):
        body = line.text.strip()
        if not body or body[0] == "#":
            continue
        if body[0] == "/":
            menu = " ".join(word for word in body.split(" [")[0].split() if "=" not in word)
        pairs = [(found[1], _plain(found[2]), found) for found in _PAIR.finditer(body)]
        yield from _settings(menu, pairs, line)


def _unfolded(text: str) -> Iterator[Line]:
    """Take the indent off lines that go on: it is not part of a value."""
    going = False
    for line in numbered(text):
        yield line._replace(text=line.text.lstrip(" ")) if going else line
        going = line.text.endswith("\\")


def _settings(
    menu: str, pairs: list[tuple[str, str, re.Match[str]]], line: Line
) -> Iterator[Entry]:
    owner = next((value for name, value, _ in pairs if name in {"name", "user", "peer"}), "")
    for name, value, found in pairs:
        quoted = found[2].startswith('"')
        community = menu.startswith("/snmp community") and name == "name"
        if (_SECRET.match(name) or community) and value:
            subject = "" if community else owner
            yield Entry((menu, name), value, line.number, Role.SECRET, quoted, subject)
        else:
            yield Entry((menu, name), value, line.number, quoted=quoted)


def _plain(raw: str) -> str:
    if not (raw.startswith('"') and raw.endswith('"') and len(raw) > 1):
        return raw
    return _ESCAPE.sub(_escape, raw[1:-1])


def _escape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _NAMES.get(found[2], found[2])
