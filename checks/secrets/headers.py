"""Find credentials in HTTP headers: `Authorization: Basic …`, `X-Api-Key: …`."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.model import Entry, Role
from checks.secrets.names import Kind, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK: Final = regex(r"(?:basic|bearer|token|apikey|auth plain)[ \t]|header")
"""What a value with a scheme (RFC 9110 11.4) or a header directive has in lower case."""
LONGEST: Final = 512
"""A longer value is not tried as a whole header."""

_SCHEME: Final = regex(
    r"\b(basic|bearer|token|apikey)[ \t]++([\w.~+/\-]{4,4096}+=*+)", re.IGNORECASE
)
_HEADER: Final = regex(r"\s*[\"']?([A-Za-z][\w\-]{1,60}):[ \t]*([^\s\"']{1,400})[\"']?\s*\Z")
_IN_QUOTES: Final = regex(r"([\"'])([A-Za-z][\w\-]{1,60}):[ \t]*([^\s\"']{1,400})\1")
_DIRECTIVE: Final = regex(
    r"header[ \t]+(?:set[ \t]+|add[ \t]+)?[\"']?([A-Za-z][\w\-]{1,60})[\"']?[ \t]+"
    r"(\"[^\"]{1,400}\"|'[^']{1,400}'|[^\s;\"']{1,400})",
    re.IGNORECASE,
)
_AUTH: Final = regex(r"auth|header|bearer|token", re.IGNORECASE)
_PLAIN: Final = regex(r"\bAUTH PLAIN[ \t]++([A-Za-z0-9+/]{4,4096}+=*+)", re.IGNORECASE)
_BEFORE: Final = 60
_MADE: Final = regex(r"(?=[^\d]*+\d).{12,}|.{24,}")


def credentials(entry: Entry, line_of: Callable[[int], int]) -> Iterator[Entry]:
    """Give the secret of each authorization scheme and of each header named like a credential.

    Of Basic it is the password behind the decoded user's name (RFC 7617), of Bearer the token.
    line_of: gives the line number of an offset in the value.
    """
    value = entry.value
    for found in _SCHEME.finditer(value):
        yield from _scheme(entry, found, line_of)
    for found in _PLAIN.finditer(value):
        yield from _plain(entry, found, line_of)
    if len(value) < LONGEST and (whole := _HEADER.match(value)):
        yield from _header(entry, whole[1], whole[2], line_of(whole.start(2)))
    for found in _IN_QUOTES.finditer(value):
        yield from _header(entry, found[2], found[3], line_of(found.start(3)))
    for found in _DIRECTIVE.finditer(value):
        bare = found[2][1:-1] if found[2][0] in "\"'" else found[2]
        yield from _header(entry, found[1], bare, line_of(found.start(2)))


def _header(entry: Entry, name: str, value: str, line: int) -> Iterator[Entry]:
    if kind((name,)) is not Kind.NONE:
        yield Entry((*entry.keys, name), value, line, quoted=True)


def _scheme(entry: Entry, found: re.Match[str], line_of: Callable[[int], int]) -> Iterator[Entry]:
    if found[1].lower() == "basic":
        user, colon, password = _decoded(found[2]).partition(":")
        if colon and password:
            yield Entry(entry.keys, password, line_of(found.start()), Role.SECRET, subject=user)
        return
    before = entry.value[max(0, found.start() - _BEFORE) : found.start()]
    names = entry.keys[-1] if entry.keys else ""
    if (_AUTH.search(before) or _AUTH.search(names)) and _MADE.fullmatch(found[2]):
        yield Entry((*entry.keys, "Authorization"), found[2], line_of(found.start()), Role.SECRET)


def _plain(entry: Entry, found: re.Match[str], line_of: Callable[[int], int]) -> Iterator[Entry]:
    """Read what a mail client sends: identity, user and password with NUL between (RFC 4616).

    Of a text without NUL, which some put there, the whole is taken.
    """
    parts = ["", *_decoded(found[1], "\0").split("\0")]
    user, password = parts[-2], parts[-1]
    if password:
        yield Entry(entry.keys, password, line_of(found.start()), Role.SECRET, subject=user)


def decoded_pair(text: str) -> tuple[str, str]:
    """Give user and password of Basic credentials in base64; empty when TEXT is none."""
    user, colon, password = _decoded(text).partition(":")
    return (user, password) if colon and user else ("", "")


def _decoded(text: str, allowed: str = "") -> str:
    """Decode Basic credentials; "" when they are none."""
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded if decoded.replace(allowed, "").isprintable() else ""
