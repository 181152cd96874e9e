"""Split a value into the `name=value` pairs of connection strings, queries, options and JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from checks.lazy import regex
from checks.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME: Final = regex(
    r"(?:\A|(?<=[;&?,\s{(\[|:\"'@]))-{0,2}([A-Za-z_](?:[\w.\-]{0,60}+))"
    r"[ \t]{0,2}=(?![=~>])[ \t]{0,2}"
)
_DOUBLE: Final = regex(r'"([^"\\]*+(?:(?:\\.|"")[^"\\]*+)*+)"', re.DOTALL)
_SINGLE: Final = regex(r"'([^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+)'", re.DOTALL)
_BRACED: Final = regex(r"\{([^}]{0,256}+(?:\}\}[^}]{0,256}+){0,16}+)\}")
_USER: Final = regex(
    r"(?:\A|[;&?,\s\"'])(?:user(?:[ _]?(?:id|name))?|uid|login|login_user|username)[ ]?="
    r"[ ]?[\"']?([^;&,\s\"']{1,80})",
    re.IGNORECASE,
)
_JSON: Final = regex(
    r'"([A-Za-z_][\w.\- ]{0,80}+)"\s{0,8}:\s{0,8}"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL
)
_SEMICOLONS: Final = regex(r"\s*[A-Za-z][\w .\-:]{0,60}=[^;&]*+;")
_AMPERSANDS: Final = regex(r"\s*[\w.\-]{1,60}=[^;&\s]*+&")
_COMMAS: Final = regex(r"\s*[\w.\-]{1,60}=[^,;&\s]*+,[\w.\-]{1,60}=")
_ONLY_PAIRS: Final = (
    regex(
        r"\s*+(?:(?>-{0,2}[A-Za-z_][\w.\-]*+=(?:\"[^\"]*+\"|'[^']*+'|\{\{[^{}]*+\}\}|[^\s\"'=&;]++)"
        r"(?:\s++|\Z))){2,}+\Z"
    ),
    regex(r"\s*+(?:(?>-[^\s\"']++(?:\s++|\Z))){2,}+\Z"),
    regex(r"\s*+(?:(?>[A-Za-z][\w .]{0,40}+=[^;=]*+(?:;\s*+|\Z))){2,}+\Z"),
)
"""A value that is nothing but settings, divided by blanks or by semicolons, or options."""
_CERTAIN: Final = frozenset({"accountkey", "sharedaccesskey", "sharedsecretvalue"})
_HANDLER: Final = regex(r"\s*[\"']?(?:tcp|tls|ssl|rediss?|unix)://")
"""Where PHP keeps sessions: `auth` in the query of such an address is a password of Redis."""
_ENDS: Final = {
    ";": regex(r"[^;\n]*"),
    "&": regex(r"[^&#\s\"'<>`]*"),
    ",": regex(r"[^,\s]*"),
    '"': regex(r'[^"\n]*'),
    "'": regex(r"[^'\n]*"),
    " ": regex(r"\S*"),
}
"""Up to where a bare value goes in each notation, named by what separates its pairs."""


class Pair(NamedTuple):
    """One name with its value, quotes and escapes removed; offset: of the value."""

    name: str
    value: str
    offset: int
    quoted: bool = False
    role: Role = Role.NAMED

    def __repr__(self) -> str:
        """Leave the value out."""
        return f"<Pair {self.name} at {self.offset}>"


def user(text: str) -> str:
    """Give the user that the same connection string names, else ""."""
    if "=" not in text:
        return ""
    found = _USER.search(text)
    return found[1] if found else ""


def is_only_pairs(text: str) -> bool:
    """Say whether a text is a list of settings from end to end, so that each name is one."""
    return "=" in text and any(pattern.match(text) for pattern in _ONLY_PAIRS)


def pairs(text: str) -> Iterator[Pair]:
    """Give all pairs in a text, whichever way it separates them, in order; linear in its length."""
    if '":' in text or '" :' in text:
        for found in _JSON.finditer(text):
            yield Pair(found[1], _json(found[2]), found.start(2), quoted=True)
    if "=" not in text:
        return
    default = _default(text)
    at = 0
    while name := _NAME.search(text, at):
        pair, at = _value(text, name, default)
        yield pair
        if pair.quoted and ";" in pair.value:  # a connection string within another's
            for one in pairs(pair.value):
                yield one._replace(offset=pair.offset + one.offset)


def _json(body: str) -> str:
    try:
        decoded = json.loads(f'"{body}"', strict=False)
    except ValueError:
        return body
    return decoded if isinstance(decoded, str) else body


def _default(text: str) -> str:
    """Name what separates the first pair from the second."""
    for separator, pattern in ((",", _COMMAS), (";", _SEMICOLONS), ("&", _AMPERSANDS)):
        if pattern.match(text):
            return separator
    return " "


def _style(text: str, start: int, default: str) -> str:
    """Name the notation by the separator in front of a pair."""
    before = text[start - 1] if start else ""
    if before in " \t\n" and start:
        before = text[max(0, start - 8) : start].rstrip()[-1:]
        before = before if before in ";," and before else _blank(default)
    if before in {"", ":"}:
        return default
    if before in {"?", "&"}:
        return "&"
    return before if before in _ENDS else " "


def _blank(default: str) -> str:
    """Read a blank within a list of `;` as part of a name of two words (`User Id=`)."""
    return ";" if default == ";" else " "


def _value(text: str, name: re.Match[str], default: str) -> tuple[Pair, int]:
    start = name.end()
    style = _style(text, name.start(), default)
    lower = name[1].lower()
    handler = lower == "auth" and style == "&" and _HANDLER.match(text) is not None
    role = Role.SECRET if handler or lower in _CERTAIN else Role.NAMED
    for pattern, quote in ((_DOUBLE, '"'), (_SINGLE, "'"), (_BRACED, "{")):
        if text.startswith(quote, start) and (quote != "{" or style == ";"):
            found = pattern.match(text, start)
            if found and style != quote:
                return Pair(
                    name[1], _plain(found[1], quote), start + 1, quoted=True, role=role
                ), found.end()
    bare = _ENDS[style].match(text, start)
    end = bare.end() if bare else start
    value = text[start:end]
    if style == "&" and "%" in value:
        value = unquote(value)
    elif style == " ":
        value = value.rstrip(";,\"')") if value[-1:] in ";,\"')" else value
    return Pair(name[1], value.strip(), start, role=role), end


def _plain(body: str, quote: str) -> str:
    """Undo doubled quotes (ADO.NET, ODBC) and backslash escapes of the quote."""
    close = "}" if quote == "{" else quote
    body = body.replace(close * 2, close)
    return re.sub(r"\\([\\" + quote + "])", r"\1", body) if "\\" in body and quote != "{" else body
