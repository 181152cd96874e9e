"""Redis, Sentinel and their access lists: requirepass, masterauth, `user NAME >password`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "redis.conf", "redis*.conf", "redis/*.conf", "sentinel.conf", "*sentinel*.conf", "users.acl",
    "redis/*.acl", "redis*.acl", "valkey*.conf", "valkey/*.conf", "keydb*.conf",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_WORD: Final = regex(rf"({quoting.DOUBLE}|'[^']*+')(?=\s|\Z)|\S++")
_SECRETS: Final = frozenset(
    {"requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass", "primaryauth"}
)
_SENTINEL: Final = frozenset({"auth-pass", "sentinel-pass"})


class _Word(NamedTuple):
    text: str
    quoted: bool


def _words(text: str) -> list[_Word]:
    r"""Split as Redis does: C escapes within double quotes, only \' within single ones."""
    found = []
    for word in _WORD.finditer(text):
        raw = word[0]
        if word[1] is None:
            found.append(_Word(raw, quoted=False))
        else:
            inner = raw[1:-1]
            found.append(_Word(quoting.c_unescape(inner) if raw[0] == '"' else inner, quoted=True))
    return found


def parse(text: str) -> Iterator[Entry]:
    """Give values under (directive,), passwords of an access list under ("user", name)."""
    for line in payload(numbered(text)):
        words = _words(line.text)
        name = words[0].text.lower()
        if name == "user" and len(words) > 2:
            yield from _user(words, line.number)
        elif name == "sentinel" and len(words) > 2 and words[1].text.lower() in _SENTINEL:
            keys = ("sentinel", words[1].text)
            owner = words[2].text if len(words) > 3 else ""
            yield Entry(keys, words[-1].text, line.number, Role.SECRET, words[-1].quoted, owner)
        elif len(words) > 1:
            role = Role.SECRET if name in _SECRETS else Role.NAMED
            value = " ".join(word.text for word in words[1:])
            if value:
                yield Entry((words[0].text,), value, line.number, role, words[1].quoted)


def _user(words: list[_Word], number: int) -> Iterator[Entry]:
    """Read the rules of one user: `>clear` and `#sha256`."""
    keys, owner = ("user", words[1].text), words[1].text
    for word in words[2:]:
        if word.text[:1] == ">":
            yield Entry(keys, word.text[1:], number, Role.SECRET, word.quoted, owner)
        elif word.text[:1] == "#":
            yield Entry(keys, word.text[1:], number, Role.HASH, word.quoted, owner)
