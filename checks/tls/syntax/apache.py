"""Apache's configuration language: directives and sections, with includes, variables and macros.

Sections that only choose (<IfModule>, <IfDefine> ...) are decided here and left out. Source:
https://httpd.apache.org/docs/2.4/configuring.html, mod/core.html, mod/mod_macro.html.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex
from checks.tls.syntax.conditions import CHOICES, holds
from checks.tls.syntax.reading import DEEPEST, Kind, Reading, absolute, is_pattern, literal
from checks.tls.syntax.shellvars import variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_WORD: Final = regex(
    r"""[ \t]*(?:"((?:[^"\\]++|\\.)*+)"?|'((?:[^'\\]++|\\.)*+)'?|([^ \t]+))""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE: Final = regex(r"\\([\\\"'])")
_VARIABLE: Final = regex(r"\$\{([^{}$]{1,256})\}")
_FLAG: Final = regex(r"-D[ \t]*([^ \t]+)")
_LONGEST: Final = 64 * 1024
_WORDS: Final = 4_096
_PARAMETERS: Final = 32
_FOLDERS: Final = 20
"""Folders in folders that an Include of a folder reads."""


class Directive(NamedTuple):
    """A directive or the begin or end of a section; words: as many as are looked at."""

    kind: Kind
    name: str
    words: tuple[str, ...]
    path: str
    line: int


class _Line(NamedTuple):
    number: int
    text: str


class _Macro(NamedTuple):
    parameters: tuple[str, ...]
    lines: list[_Line]
    path: str


class _Source:
    """Lines being read: a file's, or those of a macro in use.

    skipping: the name of the section that does not apply, depth: how often it was begun; doubtful:
    it might apply after all.
    """

    __slots__ = ("above", "depth", "doubtful", "lines", "path", "skipping")

    def __init__(self, path: str, lines: Iterable[_Line], above: tuple[str, ...]) -> None:
        self.path = path
        self.lines = iter(lines)
        self.above = above
        self.skipping = ""
        self.depth = 0
        self.doubtful = False


class Configuration:
    """One reading: what is defined and loaded changes from line to line."""

    def __init__(self, reading: Reading, main: str) -> None:
        """Begin with the variables that the service is started with."""
        folder = posixpath.dirname(main)
        self._reading = reading
        self._main = main
        self.root = posixpath.dirname(folder) if folder.endswith("/conf") else folder
        self.variables: dict[str, str] = {}
        self.modules: set[str] = set()
        self._macros: dict[str, _Macro] = {}
        self._stack: list[_Source] = []
        for path in (f"{folder}/envvars", "/etc/sysconfig/httpd"):
            self._read_environment(path)

    def _read_environment(self, path: str) -> None:
        if not self._reading.glob(path):
            return
        if text := self._reading.text(path):
            self.variables |= variables(text, self.variables)
        for name in ("APACHE_ARGUMENTS", "OPTIONS"):
            for flag in _FLAG.findall(self.variables.get(name, "")):
                self.variables.setdefault(flag, "")

    def directives(self) -> Iterator[Directive]:
        """Give all directives in the order in which Apache takes them."""
        self._push(self._main, ())
        while self._stack:
            source = self._stack[-1]
            line = next(source.lines, None)
            if line is None:
                self._stack.pop()
            elif source.skipping:
                self._skip(source, line)
            elif len(line.text) > _LONGEST:
                self._reading.miss(f"{source.path}:{line.number}: a line too long to be looked at")
            elif (directive := self._parsed(source.path, line)) and not self._acted(directive):
                yield directive

    def _push(self, path: str, above: tuple[str, ...]) -> None:
        if (text := self._reading.text(path, above)) is not None:
            self._stack.append(_Source(path, _logical(text), (*above, path)))

    def _parsed(self, path: str, line: _Line) -> Directive | None:
        text = _put(_VARIABLE, self.variables, line.text) if "${" in line.text else line.text
        if text is None or not self._reading.spend(path, len(text) - len(line.text)):
            self._reading.miss(f"{path}:{line.number}: a line too long to be looked at")
            return None
        if not text.startswith("<"):
            name, *words = _words(text)
            return Directive(Kind.SIMPLE, name, tuple(words), path, line.number)
        kind = Kind.CLOSES if text.startswith("</") else Kind.OPENS
        words = _words(text.rstrip(">").lstrip("</"))
        return Directive(kind, words[0], tuple(words[1:]), path, line.number) if words else None

    def _acted(self, directive: Directive) -> bool:
        """Do what a directive asks for at once; say whether there is nothing left to it."""
        name, words = directive.name.lower(), directive.words
        if directive.kind is not Kind.SIMPLE:
            return self._chosen(directive, name)
        if name in {"include", "includeoptional"} and words:
            self._include(words[0], optional=name != "include")
        elif name == "use" and words:
            self._use(directive)
        elif name == "define" and words:
            self.variables[words[0]] = " ".join(words[1:2])
        elif name == "undefine" and words:
            self.variables.pop(words[0], None)
        elif name == "loadmodule" and len(words) > 1:
            file = posixpath.basename(words[1]).removesuffix(".so")
            self.modules |= {words[0], f"{file}.c"}
        elif name == "serverroot" and words:
            self.root = words[0]
        else:
            return False
        return True

    def _chosen(self, directive: Directive, name: str) -> bool:
        if name == "macro":
            if directive.kind is Kind.OPENS:
                self._define_macro(directive)
            return True
        if name not in CHOICES:
            return False
        if directive.kind is Kind.OPENS and not holds(name, directive.words, self):
            source = self._stack[-1]
            source.skipping, source.depth = name, 1
            source.doubtful = name == "ifdefine" and not "".join(directive.words).startswith("!")
        return True

    def _skip(self, source: _Source, line: _Line) -> None:
        """Go on to the end of a section that does not apply; only its own kind nests in it."""
        text = line.text[: len(source.skipping) + 3].lower()
        if text.startswith(f"</{source.skipping}"):
            source.depth -= 1
        elif text.startswith(f"<{source.skipping}"):
            source.depth += 1
        elif source.doubtful and text.startswith("ssl"):
            self._reading.miss(f"{source.path}:{line.number}: a flag taken as not defined")
        if not source.depth:
            source.skipping = ""

    def has_file(self, path: str) -> bool:
        """Say whether something is there, seen from the server's root."""
        return bool(self._reading.glob(literal(absolute(self.root, path))))

    def _define_macro(self, directive: Directive) -> None:
        lines: list[_Line] = []
        for line in self._stack[-1].lines:
            if line.text[:8].lower() == "</macro>":
                break
            lines.append(line)
        if directive.words:
            name, *parameters = directive.words
            self._macros[name.lower()] = _Macro(tuple(parameters), lines, directive.path)

    def _use(self, directive: Directive) -> None:
        name, *values = directive.words
        macro = self._macros.get(name.lower())
        above = self._stack[-1].above
        if macro is None:
            self._reading.miss(f"{directive.path}:{directive.line}: a macro that is not defined")
        elif f"<{name.lower()}>" in above or len(above) >= DEEPEST:
            self._reading.miss(f"{macro.path}: a macro uses itself")
        else:
            lines = self._filled(macro, values)
            self._stack.append(_Source(macro.path, lines, (*above, f"<{name.lower()}>")))

    def _filled(self, macro: _Macro, values: list[str]) -> Iterator[_Line]:
        """Put values in the place of a macro's parameters, the longest names first."""
        given = dict(zip(macro.parameters, values, strict=False))
        longest = sorted(given, key=len, reverse=True)[:_PARAMETERS]
        names = re.compile("(" + "|".join(map(re.escape, filter(None, longest))) + ")")
        for line in macro.lines:
            text = _put(names, given, line.text) if given else line.text
            if text is None or not self._reading.spend(macro.path, len(text) + 1):
                self._reading.miss(f"{macro.path}:{line.number}: a line too long to be looked at")
                return
            yield _Line(line.number, text)

    def _include(self, path: str, *, optional: bool) -> None:
        path = absolute(self.root, path)
        wild = is_pattern(path)
        above = self._stack[-1].above
        paths = self._reading.glob(path) if wild else [path]
        before = len(self._stack)
        for one in paths:
            inside = self._inside(one, _FOLDERS)
            for file in [one] if inside is None else inside:
                if not optional or self._reading.glob(literal(file)):
                    self._push(file, above)
        self._stack[before:] = self._stack[before:][::-1]
        if not paths and not optional:
            self._reading.miss(f"{path}: nothing to include")

    def _inside(self, path: str, deepest: int) -> list[str] | None:
        """Give the files in a folder and in the folders in it; None for what is no folder."""
        place = literal(path.rstrip("/"))
        names = [*self._reading.glob(f"{place}/*"), *self._reading.glob(f"{place}/.*")]
        if not names:
            return [] if self._reading.glob(f"{place}/.") else None
        files: list[str] = []
        for name in sorted(names):
            inside = self._inside(name, deepest - 1) if deepest else None
            files += [name] if inside is None else inside
        return files


def _logical(text: str) -> Iterator[_Line]:
    """Give the lines that say something, those that a backslash ends joined to the next."""
    parts: list[str] = []
    begun = 1
    for number, physical in enumerate(text.split("\n"), 1):
        line = physical.removesuffix("\r")
        begun = begun if parts else number
        if line.endswith("\\"):
            parts.append(line[:-1])
            continue
        whole = "".join((*parts, line)).strip(" \t\r\f\v")
        parts = []
        if whole and not whole.startswith("#"):
            yield _Line(begun, whole)
    if whole := "".join(parts).strip():
        yield _Line(begun, whole)


def _words(text: str) -> list[str]:
    words: list[str] = []
    for found in _WORD.finditer(text):
        bare = found[3]
        words.append(_ESCAPE.sub(r"\1", found[1] or found[2] or "") if bare is None else bare)
        if len(words) == _WORDS:
            break
    return words or [""]


def _put(names: re.Pattern[str], values: Mapping[str, str], text: str) -> str | None:
    """Put values in the place of names; None where that makes too long a line."""
    length = len(text) + sum(len(values.get(name, "")) for name in names.findall(text))
    if length > _LONGEST:
        return None
    return names.sub(lambda found: values.get(found[1], found[0]), text)
