"""Read directives of words: `directive argument ...`, with `name=value` and labelled arguments."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats import quoting
from checks.lazy import regex
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LABELS: Final = frozenset({
    "password", "passwd", "passphrase", "secret", "insecure-password", "pass", "token", "api-key",
    "api_key", "apikey", "auth-pass", "auth_pass", "authpass", "key-string", "community", "psk",
    "pre-shared-key", "preshared-key", "shared-secret", "bindpw", "pwd", "psksecret",
    "snmp_community",
})  # fmt: skip
_PROSE: Final = frozenset({
    "describe", "body", "rawbody", "header", "full", "uri", "meta", "comment", "description",
    "banner", "remark", "note", "title", "message", "text", "lang", "report", "echo", "log", "bind",
    "macro", "alias", "if", "elsif", "unless", "rewriterule", "rewritecond", "secrule", "secaction",
})  # fmt: skip
"""Directives whose arguments are text for people, an expression or a condition."""
_FIRST: Final = 10
"""Further behind a word of a sentence is meant more often than an option."""
_CREDENTIAL: Final = regex(r"pass|pw|secret|token|key|psk|auth|cookie|community", re.IGNORECASE)
_PAIR: Final = regex(r"[A-Za-z_][\w.\-]*+=")
_USER_INFO: Final = regex(r"(?:[a-z]\w*+://)?([^\s:@/]*+):([^\s@]++)@")


class Found(NamedTuple):
    """One value of a directive."""

    keys: tuple[str, ...]
    word: quoting.Word
    role: Role = Role.NAMED
    subject: str = ""


def settings(body: str) -> Iterator[Found]:
    """Give the values of one directive.

    (directive,) -> its arguments as written, or, where arguments are labelled or have names,
    (directive, label) -> each of those alone.
    """
    words = quoting.words(body)
    if len(words) < 2:
        return
    name = words[0].text
    special = _SPECIAL.get(name.lower())
    found = list(special(name, words)) if special else []
    if not found and (len(words) > 2 or not _CREDENTIAL.search(name)):
        found += _labelled(name, words)
        found += (
            [Found((name, key), word) for key, word in quoting.pairs(body[len(name) :])]
            if "=" in body
            else []
        )
    yield from found or [_whole(name, words, body)]


def _whole(name: str, words: list[quoting.Word], body: str) -> Found:
    if len(words) == 2:
        return Found((name,), words[1])
    skipped = len(name) + 2 if words[0].quoted else len(name)
    return Found((name,), quoting.Word(body[skipped:].strip()))


def _labelled(name: str, words: list[quoting.Word]) -> Iterator[Found]:
    """Give what follows a label; a lone digit between says how a router stores it."""
    if name.lower() in _PROSE:
        return
    for place in range(1, min(len(words) - 1, _FIRST)):
        label = words[place]
        if label.quoted or label.text.lower() not in _LABELS:
            continue
        value = words[place + 1]
        if len(value.text) == 1 and value.text.isdigit() and place + 2 < len(words):
            value = words[place + 2]
        # FortiOS marks with ENC what it has encrypted.
        if not _PAIR.match(value.text) and value.text != "ENC":
            yield Found((name, label.text), value)


def _secret_at(place: int, user: int) -> Callable[[str, list[quoting.Word]], Iterator[Found]]:
    """Make a reader of directives whose argument PLACE is a password of argument USER."""

    def read(name: str, words: list[quoting.Word]) -> Iterator[Found]:
        if len(words) > place:
            yield Found((name,), words[place], Role.SECRET, words[user].text)

    return read


def _first(name: str, words: list[quoting.Word]) -> Iterator[Found]:
    """Read Squid's `cachemgr_passwd PASSWORD ACTION...`; keywords may stand for the password."""
    yield Found((name,), words[1])


def _program(name: str, words: list[quoting.Word]) -> Iterator[Found]:
    """Read Squid's `auth_param SCHEME program COMMAND...`."""
    if len(words) > 3 and words[2].text == "program":
        command = " ".join(shlex.quote(word.text) for word in words[3:])
        yield Found((name, "program"), quoting.Word(command), Role.COMMAND)


def _login(name: str, words: list[quoting.Word]) -> Iterator[Found]:
    """Read Squid's `cache_peer ... login=user:password`."""
    for word in words[1:]:
        key, _, value = word.text.partition("=")
        user, colon, password = value.partition(":")
        if key == "login" and colon and password:
            yield Found((name, key), word._replace(text=password), Role.SECRET, user)


def _user_info(name: str, words: list[quoting.Word]) -> Iterator[Found]:
    """Read tinyproxy's `Upstream http user:password@host:port`."""
    for word in words[1:]:
        found = _USER_INFO.match(word.text)
        if found:
            yield Found((name,), word._replace(text=found[2]), Role.SECRET, found[1])


_SPECIAL: Final[dict[str, Callable[[str, list[quoting.Word]], Iterator[Found]]]] = {
    "auth_param": _program,
    "basicauth": _secret_at(2, 1),
    "cache_peer": _login,
    "cachemgr_passwd": _first,
    "ldapbinddn": _secret_at(2, 1),
    "monitor": _secret_at(4, 3),
    "sqlconnectinfo": _secret_at(3, 2),
    "upstream": _user_info,
}
"""Directives whose password has no name: tinyproxy, Squid, NUT, ProFTPD."""
