"""Expand OpenSSL's cipher strings to the suites below TLS 1.3 that they switch on.

The notation is that of openssl-ciphers(1): keywords and names joined by "+", put before by "!",
"-" or "+", between ":" or "," or " ". Only which suites are on is worked out, not their order. What
OpenSSL does not know it passes over, and so does this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import LimitError
from checks.lazy import regex
from checks.tls import suites
from checks.tls.cipherwords import Build, Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT: Final = "ALL:!COMPLEMENTOFDEFAULT:!eNULL"
_LONGEST: Final = 16 * 1024
_SEPARATORS: Final = ":, ;"
_NAME: Final = regex(r"[A-Za-z0-9.=-]++")
_NAME_3_2: Final = regex(r"[A-Za-z0-9.=_-]++")
_REST: Final = regex(r"[^:, ;]*+")
_OPERATORS: Final = "-+!@"
_SUITE_B: Final = (
    ("SUITEB128ONLY", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("SUITEB128C2", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("SUITEB128", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("SUITEB192", "ECDHE-ECDSA-AES256-GCM-SHA384"),
)
"""These words stand at the beginning or nowhere."""


class Choice(NamedTuple):
    """What a string switches on.

    suites: their codes; level: the SECLEVEL that it sets, None for none; valid: OpenSSL takes it.
    """

    suites: frozenset[int]
    level: int | None = None
    valid: bool = True


class _Item(NamedTuple):
    """One step: an operator, "" to add; its words, none where one is missing; what fits them."""

    operator: str
    words: tuple[str, ...]
    pattern: Pattern


def expand(text: str, build: Build) -> Choice:
    """Work out what a string switches on, before any SECLEVEL takes something away.

    Raises LimitError for a string longer than 16384 characters.
    """
    on: set[int] = set()
    gone: set[int] = set()
    level: int | None = None
    for operator, words, pattern in _items(text, build):
        if operator == "@":
            level, valid = _special(words, level)
            if not valid:
                return Choice(frozenset(), level, valid=False)
        elif not words:
            return Choice(frozenset(), level, valid=False)
        elif operator != "+":
            chosen = pattern.suites() - gone
            on = on | chosen if operator == "" else on - chosen
            gone |= chosen if operator == "!" else set()
    return Choice(frozenset(on), level)


def level_of(text: str) -> int | None:
    """Give the SECLEVEL that a string sets, None where it sets none or is too long to be one."""
    if len(text) > _LONGEST:
        return None
    level: int | None = None
    for operator, words, _ in _items(text, Build((3, 2))):
        if operator == "@":
            level, _ = _special(words, level)
    return level


def named(text: str) -> Iterator[int]:
    """Give the suites that a string adds by their own names, whether OpenSSL has them or not."""
    for operator, words, _ in _items(text, Build((3, 2))):
        suite = suites.by_openssl_name().get(words[0]) if len(words) == 1 else None
        if operator == "" and suite:
            yield suite.code


def _items(text: str, build: Build) -> Iterator[_Item]:
    """Cut a string into steps as OpenSSL does: an operator ends a name, unknown signs an item."""
    if len(text) > _LONGEST:
        raise LimitError(f"cipher string: longer than {_LONGEST} characters")
    text = _begun(text)
    name = _NAME_3_2 if build.version >= (3, 2) else _NAME
    at = 0
    while at < len(text):
        operator = text[at] if text[at] in _OPERATORS else ""
        at += len(operator)
        if at < len(text) and text[at] in _SEPARATORS and not operator:
            at += 1
            continue
        words: list[str] = []
        pattern = Pattern(build)
        while found := name.match(text, at):
            words.append(found[0])
            at = found.end()
            if operator == "@" or not pattern.join(found[0]) or text[at : at + 1] != "+":
                break
            at += 1
        else:
            yield _Item(operator, (), pattern)
            return
        if operator == "@" or not pattern.holds:
            rest = _REST.match(text, at)
            at = rest.end() if rest else at
        yield _Item(operator, tuple(words), pattern)


def _begun(text: str) -> str:
    """Replace the words that count at the very beginning only."""
    for word, meaning in _SUITE_B:
        if text.startswith(word):
            return meaning
    if text.startswith("DEFAULT"):
        rest = text.removeprefix("DEFAULT")
        return f"{DEFAULT}:{rest[1:] if rest[:1] in _SEPARATORS else rest}"
    return text


def _special(words: tuple[str, ...], level: int | None) -> tuple[int | None, bool]:
    word = words[0] if words else ""
    if word == "STRENGTH":
        return level, True
    digit = word.removeprefix("SECLEVEL=")
    if word.startswith("SECLEVEL=") and digit in {"0", "1", "2", "3", "4", "5"}:
        return int(digit), True
    return level, False
