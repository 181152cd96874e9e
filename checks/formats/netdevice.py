"""Configurations of routers and switches: Cisco IOS, NX-OS, ASA, Arista, Dell, Aruba and the like.

One line is one command; an indented line belongs to the command above. A digit in front of a
password says how it is stored: 0 clear, 7 hidden and undone here, 4, 5, 8, 9 hashed, 6 encrypted.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from checks.formats import type7
from checks.formats.textlines import Line, numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "running-config", "startup-config", "*running-config*", "*startup-config*", "*-confg",
    "*.confg", "*.ios", "rancid/*/configs/*", "oxidized/*/*.cfg", "*.nxos", "*.eos",
)  # fmt: skip

_SNIFF: Final = regex(
    r"^(?:service (?:timestamps|password-encryption)|hostname \S+$|version \d+\.\d"
    r"|enable (?:secret|password)"
    r"|ip (?:route|domain[- ]name|ssh|address) |interface (?:[A-Za-z]+\d|Vlan)"
    r"|line (?:vty|con|console) \d"
    r"|snmp-server |aaa new-model|spanning-tree |vlan \d+$|! ?Last configuration|ASA Version)",
    re.MULTILINE,
)
_ENOUGH: Final = 2

_VALUE: Final = r"(?:(?P<type>[0-9])\s+)?(?P<value>\"[^\"]*\"|\S+)"
_COMMANDS: Final = (
    r"(?P<name>snmp-server community)\s+(?:(?:ro|rw)\s+(?=\d\s))?",
    r"(?P<name>snmp-server host)\s+(?P<owner>\S+(?:\s+\S+)??)"
    r"(?:\s+(?:traps|informs|trap|inform))?"
    r"(?:\s+poll)?(?:\s+vrf\s+\S+)?(?:\s+(?:version\s+(?:1|2c)|community))\s+(?:vrf\s+\S+\s+)?",
    r"(?P<name>snmp-server user)\s+(?P<owner>\S+)\s+\S+\s+(?:remote\s+\S+\s+)?v3\s+"
    r"(?:encrypted\s+)?auth\s+(?:md5|sha\S*)\s+",
    r"(?P<name>(?:tacacs|radius)-server)(?:\s+host\s+(?P<owner>\S+))?"
    r"(?:\s+[\w\-]+\s+\d+)*\s+key\s+",
    r"(?P<name>(?:tacacs|radius)-server\s+host)\s+(?P<owner>\S+)"
    r"(?:\s+[\w\-]+\s+\S+){0,6}?\s+key\s+",
    r"(?P<name>crypto (?:isakmp|ikev1) key)\s+",
    r"(?P<name>enable (?:password|secret))\s+(?:level\s+\d+\s+)?(?:sha512\s+)?",
    r"(?P<name>username)\s+(?P<owner>\S+)(?:\s+(?:privilege|role|class)\s+\S+){0,2}"
    r"\s+(?:password|secret|common-criteria-policy\s+\S+\s+password)\s+(?:sha512\s+)?",
    r"(?P<name>username)\s+(?P<owner>\S+)\s+.{0,60}?\s(?:password|secret)\s+",
    r"(?P<name>ntp authentication-key)\s+(?P<owner>\d+)\s+\S+\s+",
    r"(?P<name>ip (?:ospf|rip|eigrp) (?:authentication-key|message-digest-key\s+\d+\s+md5))\s+",
    r"(?P<name>ip ospf message-digest-key\s+\d+\s+md5)\s+",
    r"(?P<name>(?:pre-shared-key|ikev1 pre-shared-key|ikev2 (?:local|remote)-authentication "
    r"pre-shared-key))\s+(?:(?:local|remote|address\s+\S+(?:\s+\S+)?)\s+(?:key\s+)?)?(?:key\s+)?",
    r"(?P<name>neighbor)\s+(?P<owner>\S+)\s+password\s+",
    r"(?P<name>(?:standby|vrrp|glbp)\s+\d+\s+authentication)\s+(?:md5\s+key-string\s+|text\s+)?",
    r"(?P<name>ppp (?:chap|pap) (?:password|sent-username\s+(?P<owner>\S+)\s+password))\s+",
    r"(?P<name>(?:wpa-psk|authentication key-management wpa psk|security wpa psk set-key) "
    r"(?:ascii|hex))\s+",
    r"(?P<name>wpa-passphrase|wlan security wpa psk|passphrase)\s+(?:ascii\s+)?",
    r"(?P<name>(?:ip )?ftp password|ip http client password|l2tp tunnel password|vpdn password)\s+",
    r"(?P<name>(?:key-string|server-key|shared-secret|ldap-login-password|authentication-key))\s+",
    r"(?P<name>password|passwd|secret|key)\s+(?:hash\s+)?",
)  # fmt: skip
"""What stands in front of a password; `name` names it, `owner` says whose it is."""
_PRIVACY: Final = regex(
    r"snmp-server user\s+(?P<owner>\S+)\s.*?\spriv(?:\s+(?:des|3des|aes)(?:[\s-]+\d{3})?)?"
    r"\s+(?P<value>\S{8,})",
    re.IGNORECASE,
)
_HASH_TYPES: Final = frozenset("4589")
_ENCRYPTED: Final = "6"
_HIDDEN: Final = "7"
_NOT_VALUES: Final = frozenset(
    "encryption encrypted chain config-key generate label rsa zeroize server hash ascii hex policy"
    " local aaa none use ip ipv6 retain required-with address strict minimum lifetime expiry"
    " authentication prompt recovery history length disable enable complexity".split()
)
"""Words of the command language that stand where a password could."""
_ASA_STORED: Final = regex(r"\s(?:encrypted|pbkdf2|nt-encrypted)\b")
_MASKED: Final = regex(r"[*<]")


def recognises(head: str) -> bool:
    """Say whether a text looks like the configuration of such a device."""
    kinds = {found[0].split()[0] for found in _SNIFF.finditer(head)}
    return len(kinds) >= _ENOUGH


sniff = recognises


def parse(text: str) -> Iterator[Entry]:
    """Give each credential under (outer command, command), the user or host as its subject."""
    outer = ""
    for line in numbered(text):
        body = line.text.strip()
        if not body or body[0] in "!#":
            continue
        outer = outer if line.indent else " ".join(body.split()[:3])
        keys = (outer,) if line.indent and outer else ()
        yield from _command(keys, Line(line.number, body.removeprefix("no ")))


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Give the commands compiled, when first asked for: a scan without a router needs none."""
    return tuple(regex(pattern + _VALUE, re.IGNORECASE) for pattern in _COMMANDS)


def _command(keys: tuple[str, ...], line: Line) -> Iterator[Entry]:
    if len(line.text) > 1024 or line.text.startswith(("description ", "banner ", "remark ")):
        return
    for pattern in _patterns():
        found = pattern.match(line.text)
        if found:
            yield from _stored(keys, found, line)
            break
    private = _PRIVACY.match(line.text)
    if private and not _MASKED.match(private["value"]):
        name = (*keys, "snmp-server user", "priv")
        yield Entry(name, private["value"], line.number, Role.SECRET, subject=private["owner"])


def _stored(keys: tuple[str, ...], found: re.Match[str], line: Line) -> Iterator[Entry]:
    groups = found.groupdict()
    value, kind = found["value"].strip('"'), found["type"]
    rest = line.text[found.end() :]
    if value.lower() in _NOT_VALUES or _MASKED.match(value) or kind == _ENCRYPTED:
        return
    name = " ".join(found["name"].split())
    if name.lower() == "key" and kind is None and value.isdigit():
        return  # the number of a key within a chain
    if name.startswith("ntp") and rest.strip() == _HIDDEN:
        kind = _HIDDEN
    role, plain = _role(kind, value, rest)
    subject = (groups.get("owner") or "").split(" ")[0]
    yield Entry((*keys, name), plain, line.number, role, subject=subject)


def _role(kind: str | None, value: str, rest: str) -> tuple[Role, str]:
    """Tell how a value is stored; a hidden one that cannot be undone here stays as it is."""
    if kind == _HIDDEN:
        return Role.SECRET, type7.reveal(value) or value
    stored = kind is not None and kind in _HASH_TYPES
    if stored or value.startswith("$") or _ASA_STORED.search(rest):
        return Role.HASH, value
    return Role.SECRET, value
