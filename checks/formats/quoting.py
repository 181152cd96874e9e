"""Take quotes and escapes off values, split lines into words and `name=value` pairs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

DOUBLE: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
SINGLE: Final = r"'[^'\\]*+(?:\\.[^'\\]*+)*+'"

_WORD: Final = regex(rf"(?:{DOUBLE}|{SINGLE})(?=[\s;,)]|$)|\S++", re.DOTALL)
_SHELL_WORD: Final = regex(rf"""(?:(?>{DOUBLE}|'[^']*+'|\\.|[^\s"'\\]++|["'\\]))++""", re.DOTALL)
_SHELL_PART: Final = regex(rf"""({DOUBLE})|'([^']*+)'|\\(.)""", re.DOTALL)
_PAIR: Final = regex(
    rf"(?<![^\s,(])([A-Za-z_][\w.\-]*+)=((?:{DOUBLE}|{SINGLE})(?=[\s;,)]|$)|\S*+)", re.DOTALL
)
_QUOTED: Final = regex(
    r'(?:"""(?P<triple>[^"]*+(?:(?>"{1,2}(?!")[^"]*+))*+)"""|`(?P<tick>[^`]*+)`'
    rf"|(?P<double>{DOUBLE})|(?P<single>{SINGLE}))\s*+[;,]?\s*+(?:(?:[#;]|//).*+)?\Z",
    re.DOTALL,
)
_C_ESCAPE: Final = regex(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})|(.))", re.DOTALL
)
_C_NAMES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "s": " ", "t": "\t", "v": "\v",
}  # fmt: skip


class Word(NamedTuple):
    """One word or value without its quotes."""

    text: str
    quoted: bool = False

    def __repr__(self) -> str:
        """Leave the text out: a word may hold a secret."""
        return f"<Word quoted={self.quoted}>"


def _bare(word: str) -> str:
    """Take the quotes off; a backslash escapes the quote and itself, nothing else."""
    quote = word[0]
    return re.sub(r"\\([\\" + quote + "])", r"\1", word[1:-1])


def _is_quoted(word: str) -> bool:
    return len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]


def words(text: str) -> list[Word]:
    """Split at white space; a quote counts only where a word begins and where it is closed."""
    if '"' not in text and "'" not in text:
        return [Word(word) for word in text.split()]
    return [
        Word(_bare(word), quoted=True) if _is_quoted(word) else Word(word)
        for word in _WORD.findall(text)
    ]


def _shell_part(found: re.Match[str]) -> str:
    if found[1] is not None:
        return re.sub(r'\\(["\\$`])', r"\1", found[1][1:-1])
    return found[2] if found[2] is not None else found[3]


def shell_words(text: str) -> list[Word]:
    """Split as a shell does: quotes and backslashes count everywhere in a word."""
    if '"' not in text and "'" not in text and "\\" not in text:
        return [Word(word) for word in text.split()]
    return [
        Word(_SHELL_PART.sub(_shell_part, word), word[0] in "\"'")
        for word in _SHELL_WORD.findall(text)
    ]


def unquote(text: str) -> Word | None:
    """Take the quotes off a wholly quoted value; None when it is not.

    A comma, a semicolon and a comment may follow. Triple quotes and back-ticks are those of the
    INI reader that Grafana and Gitea use.
    """
    found = _QUOTED.match(text)
    if found is None:
        return None
    plain = found["triple"] if found["triple"] is not None else found["tick"]
    if plain is None:
        plain = _bare(found["double"] or found["single"])
    return Word(plain, quoted=True)


def pairs(text: str) -> Iterator[tuple[str, Word]]:
    """Give every `name=value` word; the value may be quoted."""
    for found in _PAIR.finditer(text):
        value = found[2]
        quoted = _is_quoted(value)
        yield found[1], Word(_bare(value) if quoted else value, quoted)


def _c_escape(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits:
        return _character(int(digits, 16))
    return _character(int(found[4], 8)) if found[4] else _C_NAMES.get(found[5], found[5])


def _character(code: int) -> str:
    """Give a character; what no text may hold (half a pair, beyond Unicode) becomes U+FFFD."""
    return "\ufffd" if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)


def c_unescape(text: str) -> str:
    r"""Decode the escapes of C strings (\n, \x41, \101); an unknown one is itself."""
    return _C_ESCAPE.sub(_c_escape, text) if "\\" in text else text
