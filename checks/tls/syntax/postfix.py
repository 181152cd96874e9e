"""Postfix's notation: parameters of main.cf, services of master.cf, values that name others.

https://www.postfix.org/postconf.5.html, https://www.postfix.org/master.5.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.formats.textlines import folded, numbered
from checks.lazy import regex
from checks.tls.config import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PARAMETER: Final = regex(r"([\w.\-]++)\s*+=\s*+(.*)\Z", re.DOTALL)
_WORD: Final = regex(r"\{[^{}]*+\}|[^\s{}]\S*+|[{}]")
_REFERENCE: Final = regex(r"\$(?:\$|([A-Za-z_]\w*+)|([{(]))")
_CONDITION: Final = regex(r"\s*+(\w++)\s*+(?:([?:])(.*))?\Z", re.DOTALL)
_COMPARISON: Final = regex(r"\s*+\{([^{}]*+)\}\s*+(==|!=)\s*+\{([^{}]*+)\}\s*+\?(.*)\Z", re.DOTALL)
_BRACED: Final = regex(r"\s*+\{([^{}]*+)\}\s*+")
_BRACKET: Final = regex(r"[{}()]")
_MOST_DEPTH: Final = 12
_MOST_VALUE: Final = 8 * 1024
_COLUMNS: Final = 8


class Service(NamedTuple):
    """One line of master.cf: its name, "inet" or another type, the command, its -o options."""

    place: Setting
    type: str
    command: str
    options: Mapping[str, Setting]


def parameters(text: str, path: str) -> dict[str, Setting]:
    """Read main.cf: the last value of each name, as written."""
    found = (_parameter(line.text, path, line.number) for line in folded(numbered(text)))
    return {setting.name: setting for setting in found if setting}


def _parameter(text: str, path: str, line: int) -> Setting | None:
    found = _PARAMETER.match(text)
    return Setting(found[1], found[2].strip(), path, line) if found else None


def services(text: str, path: str) -> Iterator[Service]:
    """Read master.cf, service by service."""
    for line in folded(numbered(text)):
        words = _WORD.findall(line.text)
        if len(words) >= _COLUMNS:
            place = Setting(words[0], " ".join(words[:_COLUMNS]), path, line.number)
            options = dict(_options(words[_COLUMNS:], path, line.number))
            yield Service(place, words[1], words[_COLUMNS - 1], options)


def _options(words: list[str], path: str, line: int) -> Iterator[tuple[str, Setting]]:
    """Give what `-o name=value`, `-oname=value` and `-o { name = value }` set."""
    rest = iter(words)
    for word in rest:
        if word.startswith("-o"):
            text = word[2:] or next(rest, "")
            setting = _parameter(text.strip("{} "), path, line)
            if setting:
                yield setting.name, setting


class Values:
    """Parameters in force, with references to others replaced: options, main.cf, defaults."""

    def __init__(
        self,
        options: Mapping[str, Setting],
        main: Mapping[str, Setting],
        defaults: Mapping[str, str],
    ) -> None:
        self._options = options
        self._main = main
        self._defaults = defaults

    def setting(self, name: str) -> Setting | None:
        """Give where a parameter is set, with its value worked out; None where it is not set."""
        found = self._options.get(name) or self._main.get(name)
        if found is None:
            return None
        return Setting(name, self._expanded(found.value), found.path, found.line)

    def value(self, name: str) -> str:
        """Give a parameter's value, the default where it is not set."""
        return self._value(name, [_MOST_VALUE], 0)

    def _expanded(self, text: str) -> str:
        return self._expand(text, [_MOST_VALUE], 0).strip()

    def _value(self, name: str, left: list[int], depth: int) -> str:
        found = self._options.get(name) or self._main.get(name)
        text = found.value if found else self._defaults.get(name, "")
        return self._expand(text, left, depth + 1).strip()

    def _expand(self, text: str, left: list[int], depth: int) -> str:
        """Replace references; LEFT counts down what may still be read, in all levels together."""
        left[0] -= len(text) + 1
        if depth > _MOST_DEPTH or left[0] < 0:
            return ""
        parts: list[str] = []
        at = 0
        while found := _REFERENCE.search(text, at):
            parts.append(text[at : found.start()])
            at = found.end()
            if found[1]:
                parts.append(self._value(found[1], left, depth))
            elif found[2]:
                inner, at = _enclosed(text, at)
                parts.append(self._conditional(inner, left, depth))
            else:
                parts.append("$")
        return "".join([*parts, text[at:]])

    def _conditional(self, text: str, left: list[int], depth: int) -> str:
        """Work out `name`, `name?yes`, `name:no`, `name?{yes}:{no}`, `{a} == {b} ? {yes}:{no}`."""
        compared = _COMPARISON.match(text)
        if compared:
            first, second = (self._expand(compared[n], left, depth + 1).strip() for n in (1, 3))
            holds = (first == second) == (compared[2] == "==")
            return self._choose(compared[4], left, depth, holds=holds)
        found = _CONDITION.match(text)
        if found is None:
            return ""
        value = self._value(found[1], left, depth)
        if found[2] is None:
            return value
        if found[2] == ":":
            return value or self._choose(found[3], left, depth, holds=True)
        return self._choose(found[3], left, depth, holds=bool(value))

    def _choose(self, text: str, left: list[int], depth: int, *, holds: bool) -> str:
        yes = _BRACED.match(text)
        if yes is None:
            return self._expand(text, left, depth + 1) if holds else ""
        if holds:
            return self._expand(yes[1], left, depth + 1)
        no = _BRACED.match(text[yes.end() :].removeprefix(":"))
        return self._expand(no[1], left, depth + 1) if no else ""


def _enclosed(text: str, start: int) -> tuple[str, int]:
    """Give what stands up to the bracket that closes the one before START, and where it ends."""
    depth = 1
    for found in _BRACKET.finditer(text, start):
        depth += 1 if found[0] in "{(" else -1
        if depth == 0:
            return text[start : found.start()], found.end()
    return text[start:], len(text)
