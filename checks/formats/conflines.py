"""Read unknown configuration line by line: sections, blocks, `key = value`, `key: value`, words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.formats import arguments, quoting, roles
from checks.formats.textlines import Line, continued, numbered, uncomment, without_armour
from checks.lazy import regex
from checks.model import Entry, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_DEPTH: Final = 64
_COMMENT: Final = regex(r"[#;!]|//|--|/\*|\* |\*/|%%")
_WORD: Final = r"""[^\s=:"'{}()<>,;|&]++"""
_ASSIGN: Final = regex(
    rf"""(?P<key>\[?"[^"]*+"\]?|\[?'[^']*+'\]?|{_WORD}(?:(?>[ \t]++{_WORD})){{0,6}}+)"""
    r"(?P<gap>[ \t]*+)(?P<separator>=>|:=|=(?!=)|:)(?P<rest>.*)\Z",
    re.DOTALL,
)
_OPENS: Final = regex(r"""(?:^|[\s=:)"'])\{\Z""")
_INLINE: Final = regex(
    r"""(?P<head>[^"'{}]*+(?:"[^"]*+"[^"'{}]*+)?)(?<![^\s=:(])\{(?=[\s}"']|[\w.\-]++\s*+[=:])"""
)
_PIECE: Final = regex(
    rf"""(?:(?>{quoting.DOUBLE}|{quoting.SINGLE}|\\.|[^"'{{}};,\\]++|["'\\]))++|[{{}};,]""",
    re.DOTALL,
)


_SEVERAL: Final = regex(
    r"[A-Za-z_]\w*+(?:(?>[ ]\w++))*+[ \t]*+=[ \t]*+"
    rf"""({quoting.DOUBLE}|[^\s;="']++)[ \t]*+;[ \t]++"""
)
"""The first of several assignments on one line, as Bacula writes them."""


class Setting(NamedTuple):
    """One setting of a line: its keys below the block it stands in, and its value."""

    keys: tuple[str, ...]
    word: quoting.Word
    role: Role = Role.NAMED
    subject: str = ""
    head: bool = False
    """Nothing stands behind `key:`: it is the head of a group."""


class Scope:
    """Where a line stands: the section, the open blocks, the group its indent belongs to."""

    def __init__(self) -> None:
        """Start outside of all."""
        self._section: tuple[str, ...] = ()
        self._blocks: list[str] = []
        self._group: tuple[str, int] | None = None
        self.keys: tuple[str, ...] = ()

    def _changed(self) -> bool:
        group = (self._group[0],) if self._group else ()
        self.keys = (*self._section, *self._blocks, *group)
        return True

    def outdent(self, indent: int) -> None:
        """Leave the group when a line stands no deeper than its head."""
        if self._group and indent <= self._group[1]:
            self._group = None
            self._changed()

    def gather(self, name: str, indent: int) -> None:
        """Begin a group: the lines that stand deeper than `name:`."""
        self._group = name, indent
        self._changed()

    def push(self, name: str, number: int) -> bool:
        """Open a block; raises FormatError when there are too many."""
        if len(self._blocks) >= _MOST_DEPTH:
            raise FormatError("blocks are nested too deep", number)
        self._blocks.append(name)
        return self._changed()

    def pop(self) -> bool:
        """Close a block; one too many does no harm."""
        if self._blocks:
            self._blocks.pop()
        return self._changed()

    def section(self, name: str) -> bool:
        """Enter a section."""
        self._section, self._group = (name,), None
        self._blocks.clear()
        return self._changed()

    def structure(self, body: str, number: int) -> bool:
        """Follow a line that only opens or closes something; False for all others."""
        if body[0] == "[" and body[-1] == "]" and body.strip("[] ")[:1] not in {'"', "'", ""}:
            return self.section(body.strip("[] \t"))
        if body.startswith("</"):
            return self.pop()
        if body[0] == "<" and body[-1] == ">":
            return self.push(body[1:-1].strip(), number)
        if body[0] in "})":
            self.pop()
            return self.push("", number) if body[-1] == "{" else True
        if body[-1] == "{" and _OPENS.search(body):
            return self.push(body[:-1].strip(" \t=:(\"'"), number)
        return False


def read(text: str) -> Iterator[Entry]:
    """Give every setting under (section, blocks..., key...).

    Raises FormatError for JSON, XML and blocks nested too deep.
    """
    if text.lstrip("\ufeff \t\r\n").startswith(("<?xml", "<!", '{"', '{\n  "', "#!/")):
        raise FormatError("another format", 1)
    scope, terminated = Scope(), _terminated(text)
    for line in continued(without_armour(numbered(text)), spaced=True):
        if line.text.strip() and not _COMMENT.match(line.text.lstrip()):
            yield from _line(line, scope, terminated=terminated)


def _terminated(text: str) -> bool:
    """Say whether statements end with a semicolon, so that it is no part of a bare value."""
    bodies = (line.strip() for line in text.split("\n"))
    ends = [body[-1] == ";" for body in bodies if body and _is_statement(body)]
    return sum(ends) * 2 > len(ends)


def _is_statement(body: str) -> bool:
    return body[-1] not in "{}" and body[0] not in "#;/*"


def _line(line: Line, scope: Scope, *, terminated: bool) -> Iterator[Entry]:
    body = uncomment(line.text).strip()
    scope.outdent(line.indent)
    if not body or scope.structure(body, line.number):
        return
    inline = _INLINE.match(body) if body.rstrip(";,)")[-1:] == "}" else None
    settings = list(_inline(body, inline)) if inline else []
    body = "" if settings else body
    if body:
        settings, body = _several(body)
    for setting in (*settings, *(split(body, terminated=terminated) if body else ())):
        if setting.head:
            scope.gather(setting.keys[0], line.indent)
            continue
        role = setting.role or roles.of_name(setting.keys[-1])
        keys = (*scope.keys, *setting.keys)
        yield Entry(
            keys, setting.word.text, line.number, role, setting.word.quoted, setting.subject
        )


def _several(body: str) -> tuple[list[Setting], str]:
    """Cut the assignments off a line that others follow; give them and the last one unread."""
    settings: list[Setting] = []
    at = 0
    while (found := _SEVERAL.match(body, at)) and "=" in body[found.end() : found.end() + 80]:
        settings += split(found[0].rstrip("; \t"))
        at = found.end()
    return settings, body[at:]


def split(body: str, *, terminated: bool = False) -> Iterator[Setting]:
    """Read a line without its comment as an assignment or as a directive with arguments.

    A semicolon at the end is left out where statements are TERMINATED by one.
    """
    found = _ASSIGN.match(body)
    if found is None or not _assigns(found):
        cut = body.rstrip("; \t") if terminated else body
        for keys, word, role, subject in arguments.settings(cut):
            yield Setting(keys, word, role, subject)
        return
    key, rest = found["key"].strip("[]\"'").rstrip("+?"), found["rest"].strip()
    if not rest and found["separator"] == ":":
        yield Setting((key,), quoting.Word(""), head=True)
        return
    bare = rest.rstrip("; \t") if terminated else rest
    if len(bare) > 2 and bare[0] == bare[-1] == "`":
        yield Setting((key,), quoting.Word(bare[1:-1]), Role.COMMAND)
        return
    yield Setting((key,), quoting.unquote(rest) or quoting.Word(bare, quoted=False))


def _assigns(found: re.Match[str]) -> bool:
    """Tell `key = value` from words of which one is `name=value` or `host:port`."""
    several = " " in found["key"].strip() or "\t" in found["key"].strip()
    spaced = bool(found["gap"]) or found["rest"][:1].isspace()
    if found["separator"] == ":":
        spaced = found["rest"][:1].isspace() or not found["rest"]
        return spaced or not (several or found["rest"].startswith("//"))
    return spaced or not several or found["key"][0] in "[\"'" or found["separator"] != "="


def _inline(body: str, found: re.Match[str]) -> Iterator[Setting]:
    """Read `name { key = value; other { ... } }` on one line."""
    path = [found["head"].strip(" \t=:(\"'")]
    last = ""
    for piece in _PIECE.finditer(body, found.end()):
        text = piece[0].strip()
        if text == "{":
            path.append(last.strip(" \t=:"))
        elif text in {"}", ";", ","} and last:
            for setting in split(last):
                yield setting._replace(keys=(*path, *setting.keys))
        if text == "}" and len(path) > 1:
            path.pop()
        last = "" if text in {"{", "}", ";", ","} else text
        if len(path) > _MOST_DEPTH:
            return
