"""Files of environment variables: `.env`, /etc/default, /etc/sysconfig, envvars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats.copies import with_copies
from checks.formats.textlines import uncomment
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    *with_copies(".env", "*.env"), "env", ".env.*", ".envrc", ".flaskenv", "etc/default/*",
    "etc/sysconfig/*", "sysconfig/network-scripts/*", "etc/conf.d/*", "etc/environment",
    "environment.d/*.conf", "envvars", ".duply/*/conf", "duply/*/conf", "env.list", "*.envfile",
    "etc/rc.conf", "environment", ".secrets", "*.secrets",
)  # fmt: skip


_ASSIGN: Final = regex(
    r"[ \t]*+(?:(?:export|set|declare[ \t]+-x|setenv)[ \t]++)?([A-Za-z_][\w.\-]*+)"
    r"(?:[ \t]*+\+?=[ \t]*+|:[ \t]++)"
)
_ARGUMENTS: Final = regex(
    r"(?:OPTS|OPTIONS|ARGS|ARGUMENTS|FLAGS|CMD|CMDLINE|COMMAND|PARAMS)\Z", re.IGNORECASE
)
_OPEN: Final = {
    '"': regex(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL),
    "'": regex(r"'([^']*+)'"),
}
_CLOSED: Final = regex(r"[ \t;]*+(?:#[^\n]*+)?(?=\r?\n|\Z)")
_REST: Final = regex(r"[^\n]*+")


def _double(inner: str) -> str:
    r"""Undo the escapes of double quotes; \n is a line end as the dotenv readers have it."""
    return re.sub(
        r'\\([\\"$`n\n])',
        lambda found: {"n": "\n", "\n": ""}.get(found[1], found[1]),
        inner,
    )


class _Values:
    """Reads values of one text; remembers a quote that is never closed, so as to search once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hopeless: set[str] = set()

    def at(self, offset: int) -> tuple[str, bool, int]:
        """Give the value that starts at OFFSET, whether it is quoted, and where it ends."""
        quote = self._text[offset : offset + 1]
        if quote in _OPEN and quote not in self._hopeless:
            found = _OPEN[quote].match(self._text, offset)
            if found is None:
                self._hopeless.add(quote)
            elif _CLOSED.match(self._text, found.end()):
                value = _double(found[1]) if quote == '"' else found[1]
                return value, True, found.end()
        return self._bare(offset)

    def _bare(self, offset: int) -> tuple[str, bool, int]:
        found = _REST.match(self._text, offset)
        end = found.end() if found else offset
        return uncomment(" " + self._text[offset:end], "#").strip(), False, end


def _role(name: str, value: str) -> Role:
    return Role.COMMAND if _ARGUMENTS.search(name) and "-" in value else Role.NAMED


def parse(text: str) -> Iterator[Entry]:
    """Give every variable under (name,); raises FormatError when most lines set none."""
    values = _Values(text)
    offset = 1 if text.startswith("\ufeff") else 0
    line, good, odd, first_odd = 1, 0, 0, 0
    while offset < len(text):
        found = _ASSIGN.match(text, offset)
        if found:
            value, quoted, end = values.at(found.end())
            yield Entry((found[1],), value, line, _role(found[1], value), quoted)
            good += 1
        else:
            end = offset
        after = text.find("\n", end)
        after = len(text) if after < 0 else after + 1
        if not found and _is_odd(text[offset : min(after, offset + 256)]):
            odd, first_odd = odd + 1, first_odd or line
        line += text.count("\n", offset, after)
        offset = after
    if odd > 3 and odd > good:
        raise FormatError("most lines set no variable", first_odd)


def _is_odd(line: str) -> bool:
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")
