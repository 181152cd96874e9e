"""The .netrc of ftp, curl, git and apt: machine, login and password in one line or several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import quoting
from checks.formats.textlines import numbered
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    ".netrc", "_netrc", "netrc", "*.netrc", ".authinfo", "apt/auth.conf", "auth.conf.d/*.conf",
    "*.authinfo", ".gitlab.netrc",
)  # fmt: skip
ALWAYS: tuple[str, ...] = NAMES

_TOKEN: Final = regex(rf"{quoting.DOUBLE}(?=\s|\Z)|\S++", re.DOTALL)
_WITH_VALUE: Final = frozenset(
    {"machine", "login", "user", "password", "passwd", "account", "port"}
)


class _Machine:
    """The entry that is being read."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.login = ""
        self.found: list[tuple[str, str, int, bool]] = []

    def entries(self) -> Iterator[Entry]:
        """Give its passwords; the login may have stood behind them.

        Anonymous FTP takes a mail address for a password (RFC 1635).
        """
        if self.login == "anonymous":
            return
        for name, value, line, quoted in self.found:
            keys = (self.host, name)
            yield Entry(keys, value, line, Role.SECRET, quoted, self.login or self.host)


def _tokens(text: str) -> Iterator[tuple[str, bool, int]]:
    """Give (token, quoted, line); a macro's body and comments are left out.

    "#" starts a comment only where a key word is due, since a password may begin with it.
    """
    in_macro = value_due = False
    for line in numbered(text):
        in_macro = in_macro and bool(line.text.strip())
        if in_macro:
            continue
        for found in _TOKEN.finditer(line.text):
            word = found[0]
            if not value_due and word.startswith("#"):
                break
            if not value_due and word == "macdef":
                in_macro = True
                break
            quoted = len(word) > 1 and word[0] == '"' == word[-1]
            yield quoting.c_unescape(word[1:-1]) if quoted else word, quoted, line.number
            value_due = not value_due and word in _WITH_VALUE


def parse(text: str) -> Iterator[Entry]:
    """Give each password under (machine, "password") with its login as the subject.

    Raises FormatError at the first word that is no key word.
    """
    machine = _Machine("default")
    tokens = _tokens(text)
    for name, _, line in tokens:
        if name == "default":
            yield from machine.entries()
            machine = _Machine("default")
            continue
        if name not in _WITH_VALUE:
            yield from machine.entries()
            raise FormatError("unknown word in a netrc file", line)
        value, quoted, at = next(tokens, ("", False, line))
        if name == "machine":
            yield from machine.entries()
            machine = _Machine(value)
        elif name in {"login", "user"}:
            machine.login = value
        elif name in {"password", "passwd", "account"} and value:
            machine.found.append((name, value, at, quoted))
    yield from machine.entries()
