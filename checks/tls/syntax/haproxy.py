"""haproxy's configuration language: statements of words, with quotes, variables and conditions.

Source: https://docs.haproxy.org/2.6/configuration.html#2, "Quoting and escaping" to "Conditional
blocks".
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.syntax.shellvars import variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.tls.syntax.reading import Reading

SECTIONS: Final = frozenset(
    "acme backend cache crt-store defaults fcgi-app frontend global http-errors listen log-forward"
    " log-profile mailers peers program resolvers ring traces userlist".split()
)
_PIECE: Final = regex(
    r"""(?P<blank>[ \t\r]++)|(?P<comment>\#.*+)
    |"(?P<double>(?:[^"\\]++|\\.)*+)"|'(?P<single>[^']*+)'
    |\\(?P<escaped>x[0-9A-Fa-f]{2}|.)|(?P<bare>[^ \t\r"'\\\#]++|.)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t"}
_USE: Final = regex(
    r"""\$(?:\{([A-Za-z_]\w*)(?:\[\*\])?(?:-([^}\"]*))?\}|([A-Za-z_]\w*))
    |\\(x[0-9A-Fa-f]{2}|.)""",
    re.DOTALL | re.VERBOSE,
)
_LONGEST: Final = 64 * 1024
_LONGEST_VALUE: Final = 4_096
_USES: Final = 64
"""Variables in one quotation that are looked up."""
_WORDS: Final = 4_096
_DEFINED: Final = regex(r"(!?)[ \t]*defined\(([A-Za-z_]\w*)\)")


class Statement(NamedTuple):
    """One line's words, at least one."""

    words: tuple[str, ...]
    path: str
    line: int


def statements(reading: Reading, main: str) -> Iterator[Statement]:
    """Give the statements of the main file and of the conf.d beside it, in order."""
    environment: dict[str, str] = {}
    for path in ("/etc/default/haproxy", "/etc/sysconfig/haproxy"):
        if reading.glob(path) and (text := reading.text(path)):
            environment |= variables(text, environment)
    more = reading.glob(posixpath.join(posixpath.dirname(main), "conf.d", "*.cfg"))
    for path in (main, *more):
        if (text := reading.text(path)) is not None:
            yield from _chosen(reading, _lines(reading, path, text, environment), environment)


def _lines(
    reading: Reading, path: str, text: str, environment: dict[str, str]
) -> Iterator[Statement]:
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > _LONGEST:
            reading.miss(f"{path}:{number}: a line too long to be looked at")
        elif found := words(line, environment):
            yield Statement(tuple(found), path, number)


def _chosen(
    reading: Reading, lines: Iterator[Statement], environment: dict[str, str]
) -> Iterator[Statement]:
    """Leave out the branches of conditions that are not taken, and learn what is set."""
    taken: list[bool] = []  # of each open .if: a branch of it was taken already
    skipping = 0  # how many of the innermost ones are in a branch that is not taken
    for one in lines:
        word = one.words[0]
        if word == ".if":
            holds = not skipping and _holds(reading, one, environment)
            skipping += 1 if skipping or not holds else 0
            taken.append(holds)
        elif word in {".elif", ".else"} and taken and skipping < 2:
            holds = not taken[-1] and (word == ".else" or _holds(reading, one, environment))
            skipping = 0 if holds else 1
            taken[-1] |= holds
        elif word == ".endif" and taken:
            taken.pop()
            skipping = max(0, skipping - 1)
        elif not skipping and not word.startswith("."):
            if word in {"setenv", "presetenv"} and len(one.words) > 2:
                environment[one.words[1]] = one.words[2]
            yield one


def _holds(reading: Reading, one: Statement, environment: Mapping[str, str]) -> bool:
    condition = " ".join(one.words[1:])
    if condition in {"", "0"}:
        return False
    if found := _DEFINED.fullmatch(condition):
        return (found[2] in environment) != bool(found[1])
    if condition != "1" and not condition.startswith(("feature(", "version_atleast(")):
        reading.miss(f"{one.path}:{one.line}: a condition taken to hold")
    return True


def words(line: str, environment: Mapping[str, str]) -> list[str]:
    """Split a line; variables count in double quotes only."""
    found: list[str] = []
    current: list[str] = []
    for piece in _PIECE.finditer(line):
        kind, text = piece.lastgroup, piece[piece.lastgroup or 0]
        if kind in {"blank", "comment"}:
            if current:
                found.append("".join(current))
                current = []
            if kind == "comment" or len(found) == _WORDS:
                break
        elif kind == "double":
            current.append(_expanded(text, environment))
        else:
            current.append(_unescaped(text) if kind == "escaped" else text)
    return [*found, "".join(current)] if current else found


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    uses = text.count("$") <= _USES
    return _USE.sub(lambda use: _value(use, environment if uses else {}), text)


def _value(use: re.Match[str], environment: Mapping[str, str]) -> str:
    """Give what stands for a variable, itself where nothing sets it, or for an escape."""
    if use[4]:
        return _unescaped(use[4])
    default = use[2] if use[2] is not None else use[0]
    return environment.get(use[1] or use[3], default)[:_LONGEST_VALUE]


def _unescaped(escaped: str) -> str:
    if len(escaped) == 3:
        return chr(int(escaped[1:], 16))
    return _ESCAPED.get(escaped, escaped)
