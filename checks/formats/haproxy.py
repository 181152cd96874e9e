"""HAProxy: user lists, `stats auth`, headers and credentials in health checks."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from checks.formats import arguments, quoting
from checks.formats.textlines import Line, numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "haproxy.cfg", "haproxy*.cfg", "haproxy/*.cfg", "haproxy/*/*.cfg", "*.haproxy.cfg",
    "haproxy.conf",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_SECTIONS: Final = frozenset({
    "global", "defaults", "frontend", "backend", "listen", "userlist", "peers", "resolvers",
    "mailers", "program", "cache", "ring", "http-errors", "fcgi-app", "log-forward", "crt-store",
})  # fmt: skip
_SETTING_HEADER: Final = frozenset({"set-header", "add-header", "replace-header"})
_AUTH: Final = regex(r"""AUTH (?:\S+ )?(\S+?)(?:\\r|\\n|["'\s]|\Z)""")


def parse(text: str) -> Iterator[Entry]:
    """Give values under (section, directive...), passwords with their user as the subject."""
    section: tuple[str, ...] = ()
    for line in payload(numbered(text)):
        words = list(_words(line.text))
        if not words:
            continue
        if words[0].text in _SECTIONS and not line.indent:
            section = (" ".join(word.text for word in words[:2]),)
        elif len(words) > 1:
            yield from _directive(section, words, line)


def _words(text: str) -> Iterator[quoting.Word]:
    for word in quoting.shell_words(text):
        if word.text.startswith("#") and not word.quoted:
            return
        yield word


def _directive(section: tuple[str, ...], words: list[quoting.Word], line: Line) -> Iterator[Entry]:
    texts = [word.text for word in words]
    if texts[0] == "user" and len(texts) > 3:
        yield from _user(section, words, line.number)
    elif texts[:2] == ["stats", "auth"] and len(texts) > 2:
        user, _, password = texts[2].partition(":")
        keys = (*section, "stats", "auth")
        yield Entry(keys, password, line.number, Role.SECRET, words[2].quoted, user)
    elif texts[0] in {"setenv", "presetenv"} and len(texts) > 2:
        yield Entry((*section, texts[0], texts[1]), texts[2], line.number, quoted=words[2].quoted)
    elif len(texts) > 3 and texts[1] in _SETTING_HEADER:
        value = words[-1] if texts[1] == "replace-header" else words[3]
        keys = (*section, texts[0], texts[1], texts[2])
        yield Entry(keys, value.text, line.number, quoted=value.quoted)
    elif texts[0] == "tcp-check" and "send" in texts:
        yield from _check(section, line)
    else:
        for found in arguments.settings(line.text.strip()):
            keys = (*section, *found.keys)
            yield Entry(keys, found.word.text, line.number, found.role, found.word.quoted)


def _user(section: tuple[str, ...], words: list[quoting.Word], number: int) -> Iterator[Entry]:
    """Read `user NAME password HASH` and `user NAME insecure-password CLEAR`."""
    for label, value in pairwise(words[2:]):
        role = {"password": Role.HASH, "insecure-password": Role.SECRET}.get(label.text)
        if role is not None:
            keys = (*section, "user", label.text)
            yield Entry(keys, value.text, number, role, value.quoted, words[1].text)
            return


def _check(section: tuple[str, ...], line: Line) -> Iterator[Entry]:
    """Find the password that a health check sends to Redis."""
    found = _AUTH.search(line.text.replace("\\ ", " "))
    if found:
        yield Entry((*section, "tcp-check", "AUTH"), found[1], line.number, Role.SECRET)
