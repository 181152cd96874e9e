"""Unit files, drop-ins and quadlets: variables, command lines and credentials in units."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import quoting
from checks.formats.textlines import Line, continued, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "*.service", "*.socket", "*.timer", "*.mount", "*.automount", "*.target", "*.container",
    "*.service.d/*.conf", "*.socket.d/*.conf", "*.mount.d/*.conf", "*.container.d/*.conf",
    "containers/systemd/*", "*.kube", "*.volume", "*.network", "*.netdev", "*.nspawn",
    "systemd/system.conf", "systemd/user.conf", "system.conf.d/*.conf", "user.conf.d/*.conf",
    "systemd/system/*",
)  # fmt: skip


_HEAD: Final = regex(
    r"(?:(?>[ \t]*+(?:[#;][^\n]*+)?\n))*+"
    r"\[(?:Unit|Service|Install|Socket|Timer|Container|Mount)\][ \t\r]*\n"
)
_SETTING: Final = regex(r"([A-Za-z0-9][\w.\-]*+)[ \t]*+=[ \t]*+")
_VARIABLES: Final = frozenset({"environment", "defaultenvironment", "managerenvironment"})
_ELSEWHERE: Final = frozenset({
    "environmentfile", "passenvironment", "loadcredential", "loadcredentialencrypted",
    "setcredentialencrypted", "importcredential", "unsetenvironment",
})  # fmt: skip
_COMMAND: Final = regex(
    r"(?:exec\w*|parameters|podmanargs|globalargs|healthcmd|healthstartupcmd)\Z", re.IGNORECASE
)
_SECTIONS: Final = frozenset({"WireGuard", "WireGuardPeer", "MACsecTransmitAssociation",
                              "MACsecReceiveAssociation"})  # fmt: skip
_KEYS: Final = frozenset({"privatekey", "presharedkey", "key"})
_WORD: Final = regex(
    rf"""(?:(?>{quoting.DOUBLE}|{quoting.SINGLE}|\\.|[^\s"'\\]++|["'\\]))++""", re.DOTALL
)
_PART: Final = regex(
    rf"""({quoting.DOUBLE}|{quoting.SINGLE})|(?:\\.|[^"'\\])++|["'\\]""", re.DOTALL
)
_GLUE: Final = " \n"
"""Joins continued lines so that the line of each word can still be counted."""


def sniff(head: str) -> bool:
    """Recognise a unit by its first section, as where a document brings one along."""
    return _HEAD.match(head) is not None


def parse(text: str) -> Iterator[Entry]:
    """Give settings under (section, name), variables under (section, "Environment", NAME).

    Files and credentials that a unit only points at give nothing. Raises FormatError when a line
    is neither a section, a setting nor a comment.
    """
    section = ""
    for line in continued(numbered(text), glue=_GLUE, comments="#;"):
        body = line.text.strip()
        if not body or body[0] in "#;":
            continue
        if body[0] == "[" and body[-1] == "]":
            section = body[1:-1]
            continue
        found = _SETTING.match(body)
        if found is None:
            raise FormatError("neither a section nor a setting", line.number)
        yield from _setting(section, found[1], Line(line.number, body[found.end() :]))


def _setting(section: str, name: str, line: Line) -> Iterator[Entry]:
    keys, lower = (section, name), name.lower()
    if lower in _VARIABLES:
        yield from _variables(keys, line)
    elif lower == "setcredential":
        name, colon, value = line.text.partition(":")
        if colon:
            plain = quoting.c_unescape(value.replace(_GLUE, " ")).replace("%%", "%")
            yield Entry((*keys, name.strip()), plain, line.number, Role.SECRET)
    elif _COMMAND.match(name):
        yield Entry(keys, _command(line.text), line.number, Role.COMMAND)
    elif lower not in _ELSEWHERE:
        secret = section in _SECTIONS and lower in _KEYS
        value = line.text.replace(_GLUE, " ")
        yield Entry(keys, value, line.number, Role.SECRET if secret else Role.NAMED)


def _variables(keys: tuple[str, ...], line: Line) -> Iterator[Entry]:
    number, counted = line.number, 0
    for found in _WORD.finditer(line.text):
        number += line.text.count("\n", counted, found.start())
        counted = found.start()
        name, equals, value = _PART.sub(_part, found[0]).partition("=")
        if equals and name:
            quoted = found[0][0] in "\"'"
            yield Entry((*keys, name), value.replace("%%", "%"), number, quoted=quoted)


def _part(found: re.Match[str]) -> str:
    """Undo quotes and C escapes, which systemd.syntax(7) allows anywhere in a word."""
    return quoting.c_unescape(found[1][1:-1] if found[1] else found[0])


def _command(text: str) -> str:
    """Take off the prefixes of systemd.service(5) and the doubling of % and $."""
    return text.replace(_GLUE, " ").lstrip("-@+!:| ").replace("%%", "%").replace("$$", "$")
