"""lighttpd's configuration language: assignments and conditions, with includes and variables.

Nothing is run: of `include_shell` only the scripts of Debian's package and `cat` are known for what
they print. Source: https://redmine.lighttpd.net/projects/lighttpd/wiki/Docs_Configuration.
"""

from __future__ import annotations

import enum
import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.syntax.reading import absolute, is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.syntax.reading import Reading

_TOKEN: Final = regex(
    r"""(?P<blank>[ \t\r\n]++|\#[^\n]*+)
    |"(?P<string>(?:[^"\\]++|\\.)*+)"
    |(?P<name>[A-Za-z_][\w.-]*+)
    |(?P<number>\d++)
    |(?P<mark>\+=|:=|=>|==|!=|=~|!~|=\^|=\$|[${}\[\](),+=])""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE: Final = regex(r"\\([\"\\])")
_BRACES: Final = regex(r"\{([^{}]*)\}")
_COMPARES: Final = frozenset({"==", "!=", "=~", "!~", "=^", "=$"})
_LONGEST: Final = 8 * 1024
_ITEMS: Final = 4_096
_DIGITS: Final = 18
_SPREAD: Final = 64
_SILENT: Final = frozenset({"create-mime.conf.pl", "create-mime.assign.pl"})
"""Debian's scripts that print nothing about TLS."""


class Item(NamedTuple):
    """A member of an array; key: "" without one."""

    key: str
    value: str


Value = str | tuple[Item, ...]


class Kind(enum.Enum):
    """What a statement is."""

    ASSIGNS = enum.auto()
    OPENS = enum.auto()
    OTHERWISE = enum.auto()
    CLOSES = enum.auto()


class Statement(NamedTuple):
    """name and value: what is assigned or compared; operator: as written."""

    kind: Kind
    path: str
    line: int
    name: str = ""
    operator: str = ""
    value: Value = ""


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


class _File:
    """The tokens of one file, one of which can be looked at ahead."""

    __slots__ = ("above", "ahead", "depth", "path", "tokens")

    def __init__(self, path: str, tokens: Iterator[_Token], above: tuple[str, ...]) -> None:
        self.path = path
        self.tokens = tokens
        self.above = above
        self.depth = 0
        self.ahead = next(tokens, None)

    def take(self) -> _Token | None:
        """Give the next token and go on."""
        token, self.ahead = self.ahead, next(self.tokens, None)
        return token

    def took(self, *marks: str) -> bool:
        """Go past a mark if it is one of these."""
        if self.ahead is None or self.ahead.kind != "mark" or self.ahead.text not in marks:
            return False
        self.take()
        return True


class Configuration:
    """One reading: variables change from statement to statement."""

    def __init__(self, reading: Reading, main: str) -> None:
        """Begin without any variable."""
        self._reading = reading
        self._main = main
        self._folder = posixpath.dirname(main)
        self._scalars: dict[str, str | int] = {}
        self._stack: list[_File] = []

    def statements(self) -> Iterator[Statement]:
        """Give all statements in the order in which lighttpd takes them; blocks are balanced."""
        self._open(self._main)
        while self._stack:
            file = self._stack[-1]
            token = file.take()
            if token is not None:
                yield from self._statement(file, token)
                continue
            for _ in range(file.depth):
                yield Statement(Kind.CLOSES, file.path, 0)
            self._stack.pop()

    def _open(self, path: str) -> None:
        above = self._stack[-1].above if self._stack else ()
        if (text := self._reading.text(path, above)) is not None:
            tokens = _tokens(self._reading, path, text)
            self._stack.append(_File(path, tokens, (*above, path)))

    def _statement(self, file: _File, token: _Token) -> Iterator[Statement]:
        if token.text == "}" and token.kind == "mark":
            if file.depth:
                file.depth -= 1
                yield Statement(Kind.CLOSES, file.path, token.line)
        elif token.text == "$" and token.kind == "mark":
            yield from self._condition(file, token.line)
        elif token.kind == "name" and token.text in {"include", "include_shell"}:
            yield from self._include(file, token)
        elif token.kind == "name" and token.text == "else":
            if file.took("{"):
                file.depth += 1
                yield Statement(Kind.OTHERWISE, file.path, token.line)
        elif token.kind == "name":
            yield from self._assignment(file, token)

    def _condition(self, file: _File, line: int) -> Iterator[Statement]:
        """Read what stands behind `$`: a name, ["a key"], a comparison, and a brace."""
        name = file.take()
        key = ""
        if file.took("["):
            inside = file.take()
            key = inside.text if inside else ""
            file.took("]")
        compare = file.take()
        if name is None or compare is None or compare.text not in _COMPARES:
            self._reading.miss(f"{file.path}:{line}: a condition that is not understood")
            return
        value = self._value(file)
        if file.took("{"):
            file.depth += 1
            shown = f"{name.text}[{key}]"
            yield Statement(Kind.OPENS, file.path, line, shown, compare.text, value)

    def _assignment(self, file: _File, token: _Token) -> Iterator[Statement]:
        operator = file.ahead.text if file.ahead else ""
        if not file.took("=", "+=", ":="):
            return
        value = self._read(file)
        if not isinstance(value, tuple):
            if operator == "+=" and token.text in self._scalars:
                value = _plus(self._scalars[token.text], value)
            self._scalars[token.text] = value
        shown = value if isinstance(value, tuple) else str(value)
        yield Statement(Kind.ASSIGNS, file.path, token.line, token.text, operator, shown)

    def _value(self, file: _File) -> Value:
        value = self._read(file)
        return value if isinstance(value, tuple) else str(value)

    def _read(self, file: _File) -> str | int | tuple[Item, ...]:
        """Read an expression: values with plus signs between."""
        sums: str | int | None = None
        items: list[Item] | None = None
        while True:
            if file.took("("):
                items = items or []
                items += self._array(file)[: _ITEMS - len(items)]
            else:
                scalar = self._scalar(file)
                sums = scalar if sums is None else _plus(sums, scalar)
            if not file.took("+"):
                break
        if items is not None:
            return tuple(items)
        return "" if sums is None else sums

    def _scalar(self, file: _File) -> str | int:
        if file.ahead is None or file.ahead.kind == "mark":
            return ""
        token = file.take()
        if token is None:
            return ""
        if token.kind == "number" and len(token.text) <= _DIGITS:
            return int(token.text)
        if token.kind != "name":
            return token.text
        if token.text.startswith("env."):
            self._reading.miss(f"{file.path}:{token.line}: a variable of the environment")
        return self._scalars.get(token.text, token.text)

    def _array(self, file: _File) -> list[Item]:
        """Read to the end of an array; of the arrays inside it nothing is kept."""
        items: list[Item] = []
        depth, key = 1, ""
        while depth and file.ahead is not None:
            if file.took("("):
                depth, key = depth + 1, ""
            elif file.took(")"):
                depth -= 1
            elif file.ahead.kind == "mark":
                file.take()
            else:
                value = self._scalar(file)
                while file.took("+"):
                    value = _plus(value, self._scalar(file))
                if file.took("=>"):
                    key = str(value)
                elif depth == 1 and len(items) < _ITEMS:
                    items.append(Item(key, str(value)))
                    key = ""
        return items

    def _include(self, file: _File, token: _Token) -> Iterator[Statement]:
        value = self._value(file)
        said = value if isinstance(value, str) else ""
        if token.text == "include":
            self._include_files(said)
            return
        program, *arguments = said.split()[:_SPREAD] or [""]
        name = posixpath.basename(program)
        if name == "cat":
            for argument in arguments:
                self._include_files(argument)
        elif name == "include-conf-enabled.pl":
            self._include_files("/etc/lighttpd/conf-enabled/*.conf")
        elif name == "use-ipv6.pl":
            yield from _use_ipv6(file.path, token.line, tls=arguments[:1] == ["443"])
        elif name not in _SILENT:
            self._reading.miss(f"{file.path}:{token.line}: a program that is not run")

    def _include_files(self, pattern: str) -> None:
        before = len(self._stack)
        for one in _alternatives(absolute(self._folder, pattern)):
            wild = is_pattern(one)
            for path in self._reading.glob(one) if wild else (one,):
                top = self._stack[before:]
                del self._stack[before:]
                self._open(path)
                self._stack[before:] = [*self._stack[before:], *top]


def _tokens(reading: Reading, path: str, text: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None and text[position] == '"':
            reading.miss(f"{path}:{line}: a string does not end")
            return
        position = found.end() if found else position + 1
        if found and (kind := found.lastgroup) and kind != "blank":
            value = found[kind]
            yield _Token(kind, _ESCAPE.sub(r"\1", value) if kind == "string" else value, line)
        line += found[0].count("\n") if found else 0


def _plus(one: str | int, other: str | int) -> str | int:
    """Add numbers, and put anything else together."""
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return f"{one}{other}"[:_LONGEST]


def _use_ipv6(path: str, line: int, *, tls: bool) -> Iterator[Statement]:
    """Give what Debian's use-ipv6.pl prints for port 443: that port of IPv6 has TLS as well."""
    if tls:
        yield Statement(Kind.OPENS, path, line, "SERVER[socket]", "==", "[::]:443")
        yield Statement(Kind.ASSIGNS, path, line, "ssl.engine", "=", "enable")
        yield Statement(Kind.CLOSES, path, line)


def _alternatives(pattern: str) -> list[str]:
    """Write out the braces of a pattern, as many as are looked at."""
    done: list[str] = []
    todo = [pattern]
    while todo and len(done) + len(todo) <= _SPREAD:
        one = todo.pop()
        if found := _BRACES.search(one):
            words = found[1].split(",")[:_SPREAD]
            todo += [one[: found.start()] + word + one[found.end() :] for word in words[::-1]]
        else:
            done.append(one)
    return done
