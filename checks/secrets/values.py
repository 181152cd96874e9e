"""Find credentials inside one value: URLs, connection strings, headers, settings, SQL, JSON."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import jaas, json_docs, sql
from checks.lazy import regex
from checks.model import Entry, Role
from checks.secrets import headers, settings, urls
from checks.secrets.names import Kind, kind

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK: Final = regex(
    r"://|@(?:tcp|udp|unix|cloudsql|\()|jdbc:oracle|basic |bearer |token |\$\{"
    r"|identified|pass|pwd|secret|token|key|auth|psk|cred"
)
"""What a value with something inside has in lower case; most values have none of it."""
_SEPARATORS: Final = frozenset("=@ :{")
_WORDS: Final = regex(r"identified|pass|pwd|secret|token|key|auth|psk|cred")
_SQL: Final = regex(
    r"\bidentified\s|\b(?:create|alter)\s+(?:user|role|login|master|database|server|credential)\b"
    r"|\bset\s+password\b|\binsert\s+into\b|\bupdate\s+\S{1,60}\s+set\b"
    r"|\bchange\s+(?:master|replication)\b|\bencryption\s+by\b"
)
"""How a statement with a password begins, in lower case."""
_DEFAULT: Final = regex(
    r"\$\{([A-Za-z_][\w.\-]{0,100}?|\d)(?::?[-=]|:(?![?+:\d]))([^${}]{1,200})\}"
)
_JSON: Final = regex(r"(?:\{\s{0,80}\"|\[\s{0,80}[{\"])")
_LITERAL: Final = regex(
    r"\{\{-?\s{0,8}(?:[A-Za-z_][^{}]{0,160}?\|\s{0,8}d(?:efault)?\(\s{0,8})?"
    r"([\"'])((?:(?!\1)[^{}]){1,200})\1"
    r"(?:\s{0,8}\)|\s{0,8},|\s{0,8}\|\s{0,8}(?:password_hash|hash|b64encode|string|quote)\b)"
)
"""A text written into an expression of Jinja: with a filter, or as a default."""
_DEFAULTS: Final = (
    regex(
        r"\{\{-?[^{}\"'`]{0,160}(?:[\"'][\w.\-/ ]{1,80}[\"'][ ]?\|[ ]?)?\bdefault[ ]{1,8}"
        r"([\"'`])((?:(?!\1)[^{}]){1,200})\1"
    ),
    regex(
        r"\{\{-?[ ]{0,8}(?:getenv|envOrDefault|keyOrDefault)[ ]{1,8}\"[^\"]{1,80}\"[ ]{1,8}"
        r"(\")([^\"{}]{1,200})\""
    ),
    regex(
        r"\{\{-?[^{}]{0,80}?(?:\.|\b)get['\"]?\]?\([ ]{0,8}['\"][^'\"]{1,80}['\"],[ ]{0,8}"
        r"(['\"])((?:(?!\1)[^{}]){1,200})\1[ ]{0,8}\)"
    ),
    regex(
        r"<%=[^%]{0,160}?(?:\|\||\bfetch[ (][ ]{0,8}['\"][^'\"]{1,80}['\"](?:,|\)?[ ]{0,8}\{))"
        r"[ ]{0,8}(['\"])((?:(?!\1)[^%]){1,200})\1"
    ),
    regex(r"\$\{[a-z]{2,8}:[^{},]{1,100},[ ]{0,8}(['\"])((?:(?!\1)[^{}]){1,200})\1[ ]{0,8}\}"),
)
"""A default written into an expression: of Go and Helm, of gomplate and consul-template, of Salt's
pillar, of ERB, of the Serverless Framework."""
_WHOLE: Final = (
    regex(r"\$\{([A-Za-z_][\w.\-]{0,100}+):(?![-=?+:]|\d{1,2}[:}])([^${}]{1,200}+)\}"),
    regex(r"\$\{([A-Za-z_]\w{0,100}+):?[-=]([^${}]{1,200}+)\}"),
)
"""A variable with a default and nothing besides: of Spring and JBoss, of shells and Compose; two
digits are a part of the variable."""
_TEMPLATES: Final = frozenset({"{{", "<%", "${"})
_BLOCK: Final = 2
"""A value with that many line ends is a file of its own and is read as one elsewhere."""


def documents(entry: Entry) -> Iterator[Entry]:
    """Give the entries of a value that is a JSON document, JAAS or a template's expression."""
    value = entry.value.rstrip("\n")
    if value[-1:] in {"}", "]"} and _JSON.match(value) and value.count("\n", 0, 4096) < _BLOCK:
        with contextlib.suppress(FormatError):
            for one in json_docs.parse(value):
                if len(one.value) < len(value):  # so that what is nested comes to an end
                    line = entry.line + one.line - 1
                    yield one._replace(keys=(*entry.keys, *one.keys), line=line)
    elif "LoginModule " in value:
        with contextlib.suppress(FormatError):
            for one in jaas.parse(value):
                yield one._replace(keys=(*entry.keys, *one.keys[-1:]), line=entry.line)
    elif text := written(value):
        yield entry._replace(value=text, quoted=True)


def written(value: str) -> str:
    """Give the default that a value, an expression of a template, has written into it, or "".

    So has `${DB_PASSWORD:-value}`, if it is all of the value and the variable's is a credential.
    """
    if value[:2] not in _TEMPLATES:
        return ""
    patterns = (_LITERAL, *_DEFAULTS)
    found = next((one for pattern in patterns if (one := pattern.match(value))), None)
    if found:
        return found[2]
    wholes = (pattern.fullmatch(value) for pattern in _WHOLE if value.startswith("${"))
    return next((one[2] for one in wholes if one and kind((one[1],))), "")


def defaults(value: str) -> Iterator[tuple[str, str]]:
    """Give name and default of each variable in a value: `${A:-${B:-text}}` has that of B."""
    return ((found[1], found[2]) for found in _DEFAULT.finditer(value))


def inner(entry: Entry) -> Iterator[Entry]:
    """Give the credentials that an entry's value contains, not the value itself.

    Role SECRET where the notation makes it one (a password in a URL), NAMED with the name in the
    value added to the keys otherwise. Lines count from the entry's.
    """
    value = entry.value
    if _SEPARATORS.isdisjoint(value) or not _MARK.search(low := value.lower()):
        return
    lines = _LineNumbers(entry)
    if "@" in value:
        for found in urls.userinfo(value):
            line = lines.at(found.offset)
            yield Entry(entry.keys, found.secret, line, Role.SECRET, subject=found.user)
    if headers.MARK.search(low) or (len(value) < headers.LONGEST and ":" in value):
        yield from headers.credentials(entry, lines.at)
    if "${" in value:
        yield from _defaults(entry, lines)
    if not _WORDS.search(low):
        return
    yield from _named(entry, low, lines)


def _named(entry: Entry, low: str, lines: _LineNumbers) -> Iterator[Entry]:
    """Give what stands behind a name within the value."""
    value = entry.value
    if _SQL.search(low):
        for one in sql.parse(value):
            yield one._replace(keys=(*entry.keys, *one.keys), line=entry.line + one.line - 1)
        return
    if value.count("\n", 0, 4096) >= _BLOCK:
        return
    user = settings.user(value)
    for found in settings.pairs(value):
        if kind((found.name,)) is not Kind.NONE and found.value:
            yield Entry(
                (*entry.keys, found.name),
                found.value,
                lines.at(found.offset),
                found.role,
                found.quoted,
                user if found.value != user else "",
            )


def _defaults(entry: Entry, lines: _LineNumbers) -> Iterator[Entry]:
    """`${NAME:-value}` of shells and Compose, `${name:value}` of Spring."""
    for found in _DEFAULT.finditer(entry.value):
        named = kind((found[1],)) is not Kind.NONE
        keys = (*entry.keys, found[1]) if named or not kind(entry.keys) else entry.keys
        yield Entry(keys, found[2], lines.at(found.start(2)), quoted=True)


class _LineNumbers:
    """Line numbers of offsets in an entry's value, cheap when they are asked in rising order."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._offset = 0
        self._line = entry.line

    def at(self, offset: int) -> int:
        if offset < self._offset:
            self._offset, self._line = 0, self._entry.line
        self._line += self._entry.value.count("\n", self._offset, offset)
        self._offset = offset
        return self._line
