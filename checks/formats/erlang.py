"""Erlang terms: rabbitmq.config, advanced.config, sys.config and the cookie in vm.args."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats import quoting
from checks.formats.textlines import numbered, payload
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES: tuple[str, ...] = (
    "rabbitmq.config", "advanced.config", "sys.config", "ejabberd.cfg", "vm.args", "*.vm.args",
    "rabbitmq/*.config", "rabbitmq*.config", "app.config.erl", "couchdb.config",
)  # fmt: skip

_MOST_DEPTH: Final = 64
_BINDS: Final = frozenset({"dn_lookup_bind", "other_bind"})
"""Settings of RabbitMQ's LDAP plugin that are `{"user's DN", "password"}`."""
_TOKEN: Final = regex(
    rf"""%[^\n]*+|<<(?P<binary>{quoting.DOUBLE})[^>\n]{{0,20}}>>|(?P<string>{quoting.DOUBLE})
    |'(?P<atom>[^'\n]*+)'|(?P<bare>[\w.@\-]++)|(?P<punctuation>[{{}}\[\],])|\\.|.""",
    re.DOTALL | re.VERBOSE,
)


class _Tuple:
    """One open tuple: the name in front, and the scalar behind it."""

    def __init__(self) -> None:
        self.name = ""
        self.value: tuple[str, int, bool] | None = None
        self.place = 0
        self.compound = False

    def take(self, text: str, line: int, *, quoted: bool) -> None:
        """Keep the first two elements."""
        if self.place == 0:
            self.name = text
        elif self.place == 1:
            self.value = text, line, quoted


def parse(text: str) -> Iterator[Entry]:
    """Give each `{name, value}` under the names of the tuples around it.

    Raises FormatError when terms are nested too deep.
    """
    if "{" not in text:
        yield from _arguments(text)
        return
    stack: list[_Tuple] = []
    line, counted = 1, 0
    for found in _TOKEN.finditer(text):
        mark = found["punctuation"]
        line += text.count("\n", counted, found.start())
        counted = found.start()
        if len(stack) > _MOST_DEPTH:
            raise FormatError("terms are nested too deep", line)
        if mark:
            yield from _punctuation(mark, stack)
        elif stack and found.lastgroup:
            raw = found[found.lastgroup]
            quoted = found.lastgroup in {"binary", "string"}
            value = quoting.c_unescape(raw[1:-1]) if quoted else raw
            stack[-1].take(value, line, quoted=quoted)


def _punctuation(mark: str, stack: list[_Tuple]) -> Iterator[Entry]:
    if mark == "{":
        stack.append(_Tuple())
    elif mark == "[" and stack:
        stack[-1].compound = True
    elif mark == "," and stack:
        stack[-1].place += 1
    elif mark == "}" and stack:
        done = stack.pop()
        if done.value is not None and done.place == 1 and not done.compound:
            path = tuple(outer.name for outer in stack if outer.name)
            text, line, quoted = done.value
            if path and path[-1] in _BINDS and quoted:
                yield Entry(path, text, line, Role.SECRET, quoted, subject=done.name)
            else:
                yield Entry((*path, done.name), text, line, quoted=quoted)


def _arguments(text: str) -> Iterator[Entry]:
    """Read vm.args: `-setcookie VALUE`, `-option value`."""
    for line in payload(numbered(text), "#%"):
        name, *rest = line.text.split(None, 1)
        if rest:
            word = quoting.unquote(rest[0].strip())
            value = word.text if word else rest[0].strip()
            role = Role.SECRET if name == "-setcookie" else Role.NAMED
            yield Entry((name,), value, line.number, role, quoted=word is not None)
