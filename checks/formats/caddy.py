"""Caddyfile: blocks of words, hashes of basic_auth, tokens of DNS providers, headers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import quoting
from checks.formats.copies import with_copies
from checks.formats.textlines import Line, continued, numbered, payload, uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (*with_copies("caddyfile"), "*.caddyfile", "*.caddy", "caddyfile.*")

_MOST_DEPTH: Final = 64
_PROVIDER: Final = frozenset({"acme_dns", "dns", "dns_challenge"})
_LOGIN: Final = frozenset({"basicauth", "basic_auth"})
_HEADERS: Final = frozenset({"header", "header_up", "header_down", "request_header"})
_CREDENTIAL: Final = regex(
    r"(?:api_?token|token|api_?key|secret|secret_?key|secret_access_key|access_key_secret|password"
    r"|api_secret|auth_token|app_secret|mac_key|api_password|zone_token|client_secret)\Z",
    re.IGNORECASE,
)
_PUBLIC: Final = regex(r"(?:access_key_id|\S*_id|user(?:name)?|email|region|endpoint|\d+)\Z")


def parse(text: str) -> Iterator[Entry]:
    """Give values under (blocks..., directive), or (blocks..., directive, header).

    Hashes of basic_auth carry the user; placeholders stay as written. Raises FormatError when
    blocks are nested too deep.
    """
    blocks: list[str] = []
    for line in payload(continued(numbered(text))):
        words = quoting.words(uncomment(line.text, "#"))
        while words and words[0].text == "}":
            blocks[-1:] = []
            words.pop(0)
        if not words:
            continue
        opens = words[-1].text == "{" and not words[-1].quoted
        yield from _directive(tuple(blocks), words[: -1 if opens else None], line)
        if opens:
            blocks.append(" ".join(word.text for word in words[:2] if word.text != "{"))
        if len(blocks) > _MOST_DEPTH:
            raise FormatError("blocks are nested too deep", line.number)


def _directive(blocks: tuple[str, ...], words: list[quoting.Word], line: Line) -> Iterator[Entry]:
    if len(words) < 2 or words[0].text in _LOGIN:
        return
    name, last = words[0].text, words[-1]
    keys = (*blocks, name)
    outer = blocks[-1].split(" ")[0] if blocks else ""
    if outer in _LOGIN:
        # Caddy takes bcrypt or argon2 only, in older releases also as base64 with a salt behind.
        role = Role.HASH if words[1].text.startswith("$") else Role.SECRET
        yield Entry((*blocks, name), words[1].text, line.number, role, words[1].quoted, name)
    elif name in _PROVIDER and len(words) > 2:
        yield from _provider(keys, words[1:], line)
    elif outer in _PROVIDER and _CREDENTIAL.match(name):
        yield Entry(keys, words[1].text, line.number, Role.SECRET, words[1].quoted)
    elif name in _HEADERS and len(words) > 2:
        yield Entry((*keys, words[-2].text.lstrip("+->")), last.text, line.number, quoted=True)
    else:
        value = " ".join(word.text for word in words[1:])
        yield Entry(keys, value, line.number, quoted=words[1].quoted)


def _provider(keys: tuple[str, ...], words: list[quoting.Word], line: Line) -> Iterator[Entry]:
    """Read `dns cloudflare TOKEN` and `dns route53 ID SECRET`: the last argument is the secret."""
    if not _PUBLIC.match(words[-1].text):
        value = words[-1]
        yield Entry((*keys, words[0].text), value.text, line.number, Role.SECRET, value.quoted)
