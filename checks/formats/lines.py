"""Read single lines in any notation, for texts whose format is unknown, broken or too large."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.formats.quoting import c_unescape
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

CREDENTIAL: Final = regex(
    r"pass(?!iv|age|enger)|pwd|psw|psk|secret|token|cred|community|auth(?!or(?!i))|key|bindpw|rootpw"
)
"""A word in a lower-case name that makes `name value` on one line a directive worth yielding."""

_COMMENTS: Final = ("#", "//", ";", "-- ", "--\t", "* ", "*/", "/*", "<!--", "REM ", "rem ", "%%")
_PAIR: Final = regex(
    r"(?:(?<![\w.\-$@])|(?<=[\w.\-/]:))(?:-{1,2}|[$@%&])?([A-Za-z_][\w.\-]{0,120}+(?:\[\d{1,6}\][\w.\-]{0,80}+)?)"
    r"(?:\\?[\"'`]|[\])}]){0,3}[ \t]{0,60}+"
    r"(=>|:=|[+?]?=(?![=~])|:(?=[ \t\"'\[{(]|\\\"))[ \t]{0,60}+"
)
_COLON: Final = regex(r"[\"'<\[\s]{0,8}([A-Za-z_][\w.\-]{0,120}+):(?!/?/)(\S.*)")
_REGISTRY: Final = regex(r"//[\w.\-:/@]{1,200}/:_")
"""How npm names a registry's setting; it begins as a comment does elsewhere."""
_DOUBLE: Final = regex(r'[A-Za-z@]?"([^"\\]*+(?:\\.[^"\\]*+)*+)"')
_SINGLE: Final = regex(r"[A-Za-z@]?'([^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+)'(?!\w)")
_ESCAPED: Final = regex(r'\\"([^"\\]*+(?:(?>\\(?!")[^"\\]*+))*+)\\"')
_ITEM: Final = regex(r"[^,{}]*+")
_ARGUMENT: Final = regex(r"(\S*+)")
_MORE: Final = regex(r"(\S++)[ \t]+-{0,2}[A-Za-z_][\w.\-]*+=")
_COMMENT: Final = regex(r"[ \t](?:#|//|;|--|/\*|<!--)(?:[ \t#*]|\Z)|[ \t]#")
_ELEMENT: Final = regex(
    r"<([A-Za-z_][\w:.\-]{0,120}+)((?:[ \t][^<>]{0,400}+)?)>(?:<!\[CDATA\[)?"
    r"([^<>\]]{0,4096}+(?:(?>\](?!\]>)[^<>\]]{0,4096}+)){0,64}+)(?=</|\]\]>)"
)
_ATTRIBUTE: Final = regex(r"\b(?:name|key|id)=[\"']([^\"']{1,120})[\"']")
_DEFINE: Final = regex(
    r"define\(\s*([\"'])([A-Za-z_]\w{0,120})\1\s*,\s*"
    r"(?:\"([^\"\\]*+(?:\\.[^\"\\]*+)*+)\"|'([^'\\]*+(?:\\.[^'\\]*+)*+)')"
)
_WORD: Final = regex(r"\"([^\"]*+)\"|'([^']*+)'|(\S++)")
_NAMING: Final = frozenset({"name", "key", "id", "property", "setting", "path", "option", "var"})
_SIGNS: Final = frozenset("=:<")
_OPENERS: Final = ("{", "[", "(", "<")
_MERE_SIGNS: Final = frozenset({"=", ":", ":=", "=>", "==", "{", "(", "[", "-", "|"})
_SETTERS: Final = frozenset({"ENV", "SetEnv", "setenv"})
"""Words in front of a name and its value: of Dockerfiles, of Apache httpd, of csh."""
_MOST_WORDS: Final = 9
_LONGEST: Final = 4096


def parse(text: str) -> Iterator[Entry]:
    """Give the pairs of every line; never fails."""
    for number, line in enumerate(text.split("\n"), 1):
        yield from parse_line(line, number)


def parse_line(line: str, number: int) -> Iterator[Entry]:
    """Give (name, value) of every assignment, attribute, element or directive on one line.

    A comment line gives nothing. The only key is the name in front of the value; a pair such as
    `name: DB_PASSWORD, value: x` gives `DB_PASSWORD` as well.
    """
    text = line.strip()
    if not text or (text.startswith(_COMMENTS) and not _REGISTRY.match(text)):
        return
    found = _short_directive(text, number) if text.count(" ") == 1 else []
    if not found and not _SIGNS.isdisjoint(text):
        found += _assignments(text, number)
        if "</" in text or "]]>" in text:
            found += _elements(text, number)
        if len(found) > 1:
            found += _named_values(found)
    if not found and ":" in text and (pair := _COLON.match(text)):
        found.append(_bare(pair[1], pair[2], number))
    if "define" in text:
        found += _defines(text, number)
    yield from found or _directive(text, number)


def _assignments(text: str, number: int) -> Iterator[Entry]:
    at = 0
    while name := _PAIR.search(text, at):
        at = name.end()
        if not text[at : at + 1]:
            return
        if quoted := _quoted(text, at):
            value, at = quoted
            yield Entry((name[1],), value, number, quoted=True)
            continue
        if text.startswith(_OPENERS, at) and _PAIR.search(text, at):
            continue
        end = _end(text, at, name)
        entry = _bare(name[1], text[at:end], number)
        if entry.value:
            yield entry
        at = end


def _end(text: str, at: int, name: re.Match[str]) -> int:
    """Where a value without quotes ends: with its line unless another pair follows."""
    if name[2] == ":" and text.find("{", 0, name.start()) >= 0:
        item = _ITEM.match(text, at)
        return item.end() if item else at
    if text[at - 1] != "=":
        return len(text)
    found = (_ARGUMENT if name[0].startswith("-") else _MORE).match(text, at)
    return found.end(1) if found else len(text)


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    """Give the text of the string literal at AT and where it ends."""
    if found := _DOUBLE.match(text, at):
        return c_unescape(found[1]), found.end()
    if found := _SINGLE.match(text, at):
        body = found[1].replace("''", "'")
        return re.sub(r"\\(['\\])", r"\1", body) if "\\" in body else body, found.end()
    if found := _ESCAPED.match(text, at):
        return found[1], found.end()
    return None


def _bare(key: str, rest: str, number: int) -> Entry:
    """Take a value without quotes: up to a comment, without the punctuation behind it."""
    comment = _COMMENT.search(rest)
    value = (rest[: comment.start()] if comment else rest).strip()
    if value[-1:] in {",", ";"}:
        value = value[:-1].rstrip()
    if value[-2:] == "/>":
        value = value[:-2].rstrip()
    return Entry((key,), value, number)


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    import html  # its table of names takes longer to load than most files to read

    return html.unescape(text)


def _elements(text: str, number: int) -> Iterator[Entry]:
    for found in _ELEMENT.finditer(text):
        name = _ATTRIBUTE.search(found[2]) if found[2] else None
        value = _unescaped(found[3])
        if value.strip():
            yield Entry((name[1] if name else found[1],), value.strip(), number)


def _named_values(found: list[Entry]) -> Iterator[Entry]:
    """`name="DB_PASSWORD" value="x"`: the first value is the name of the second."""
    name = ""
    for entry in found:
        key = entry.keys[0].lower()
        if key in _NAMING:
            name = entry.value
        elif name and key == "value":
            yield entry._replace(keys=(name,))
            name = ""


def _defines(text: str, number: int) -> Iterator[Entry]:
    for found in _DEFINE.finditer(text):
        body = found[3] if found[3] is not None else found[4]
        value = re.sub(r"\\([\\'\"])", r"\1", body)
        yield Entry((found[2],), value, number, quoted=True)


def _short_directive(text: str, number: int) -> list[Entry]:
    """`requirepass a=b`: two words, the first named like a credential."""
    name, _, value = text.partition(" ")
    if not name.replace("-", "_").isidentifier() or value[0] in "=:\"'":
        return []
    return [_bare(name, value, number)] if CREDENTIAL.search(name.lower()) else []


def _directive(text: str, number: int) -> Iterator[Entry]:
    """`requirepass foo`, `username bob password 0 foo`: a value behind a credential's name."""
    count = len(text.split(None, _MOST_WORDS))
    if not 1 < count <= _MOST_WORDS or not CREDENTIAL.search(text[:_LONGEST].lower()):
        return
    words = [(found[3] or "", found) for found in _WORD.finditer(text[:_LONGEST])]
    for index in range(len(words) - 2, -1, -1):
        name = words[index][0].strip("\"'[]():,")
        if name and CREDENTIAL.search(name.lower()):
            yield from _behind(words, index, name, number)
            return


def _behind(
    words: list[tuple[str, re.Match[str]]], index: int, name: str, number: int
) -> Iterator[Entry]:
    after = words[index + 1 :]
    typed = len(after) > 1 and len(after[0][0]) == 1 and after[0][0].isdigit()
    after = after[1:] if typed else after  # the kind of encryption, on network devices
    value, match = after[0]
    quoted = not value
    if not quoted and match.string.count('"', 0, match.start()) % 2:
        return  # words of a text in quotes
    text = value or match[1] or match[2] or ""
    if not quoted:
        text = text[:-1] if text[-1:] in {";", ","} else text
    first = index == 0 or (index == 1 and words[0][0] in _SETTERS)
    alone = typed or (first and (len(after) == 1 or "community" in name))
    if text and (quoted or alone or not text.isalpha()) and text not in _MERE_SIGNS:
        yield Entry((name,), text, number, quoted=quoted)
