"""net-snmp: community strings, users of version 3 and the sessions of traps and proxies."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "snmpd.conf", "snmpd*.conf", "snmptrapd.conf", "snmp.conf", "snmp/*.conf", "snmp.local.conf",
    "snmpd.conf.d/*.conf",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_FIRST: Final = frozenset({
    "rocommunity", "rwcommunity", "rocommunity6", "rwcommunity6", "trapcommunity", "defcommunity",
    "defpassphrase", "defauthpassphrase", "defprivpassphrase", "defauthmasterkey",
    "defprivmasterkey", "agentxpassword",
})  # fmt: skip
_SECOND: Final = frozenset({"authcommunity", "trapsink", "trap2sink", "informsink"})
_MAPPED: Final = frozenset({"com2sec", "com2sec6", "com2secunix"})
_PASSED_ON: Final = frozenset({"pass", "pass_persist"})
"""A part of the tree that another program answers for."""
_SESSION: Final = {"-A": "-A", "-X": "-X", "-c": "-c", "-3m": "-3m", "-3M": "-3M"}
_OWNER_OPTION: Final = "-u"
_PROTOCOLS: Final = ("md5", "sha", "des", "aes")


def parse(text: str) -> Iterator[Entry]:
    """Give communities and passphrases under (directive,), or (directive, option) of a session."""
    for line in payload(numbered(text)):
        words = _words(line.text)
        if len(words) > 1:
            yield from _directive(words, line.number)


def _words(text: str) -> list[quoting.Word]:
    words: list[quoting.Word] = []
    for word in quoting.words(text):
        if word.text.startswith("#") and not word.quoted and len(words) > 1:
            break
        words.append(word)
    return words


def _directive(words: list[quoting.Word], number: int) -> Iterator[Entry]:
    name = words[0].text.lower()
    keys = (words[0].text,)
    if name in _FIRST:
        source = words[2].text if len(words) > 2 else ""
        yield Entry(keys, words[1].text, number, Role.SECRET, words[1].quoted, source)
    elif name in _SECOND:
        if len(words) > 2:
            yield Entry(keys, words[2].text, number, Role.SECRET, words[2].quoted, words[1].text)
    elif name in _MAPPED:
        yield from _mapped(keys, words, number)
    elif name == "createuser":
        yield from _user(keys, words, number)
    elif name not in _PASSED_ON:
        yield from _session(keys, words, number)


def _mapped(keys: tuple[str, ...], words: list[quoting.Word], number: int) -> Iterator[Entry]:
    """Read `com2sec [-Cn context] name source community`; com2secunix has no source there."""
    start = 3 if words[1].text.startswith("-C") else 1
    rest = words[start:]
    if len(rest) > 1:
        value = rest[2] if len(rest) > 2 else rest[1]
        yield Entry(keys, value.text, number, Role.SECRET, value.quoted, rest[0].text)


def _user(keys: tuple[str, ...], words: list[quoting.Word], number: int) -> Iterator[Entry]:
    """Read `createUser [-e engine] name MD5|SHA phrase [DES|AES [phrase]]`.

    -m and -l in front of a phrase say that a key derived from one follows.
    """
    rest = words[3:] if words[1].text == "-e" else words[1:]
    owner, place, role = (rest[0].text if rest else ""), "auth", Role.SECRET
    for word in rest[1:]:
        lower = word.text.lower()
        if lower.startswith(_PROTOCOLS) and not word.quoted and len(lower) < 9:
            place = "auth" if lower.startswith(("md5", "sha")) else "priv"
        elif lower in {"-m", "-l"} and not word.quoted:
            role = Role.HASH
        else:
            yield Entry((*keys, place), word.text, number, role, word.quoted, owner)
            role = Role.SECRET


def _session(keys: tuple[str, ...], words: list[quoting.Word], number: int) -> Iterator[Entry]:
    """Read the options of snmpcmd(1) in trapsess, proxy and monitor; else one plain value."""
    pairs = list(pairwise(words[1:]))
    owner = next((value.text for option, value in pairs if option.text == _OWNER_OPTION), "")
    found = [(option, value) for option, value in pairs if option.text in _SESSION]
    for option, value in found:
        yield Entry((*keys, option.text), value.text, number, Role.SECRET, value.quoted, owner)
    if not found:
        text = " ".join(word.text for word in words[1:])
        yield Entry(keys, text, number, quoted=words[1].quoted)
