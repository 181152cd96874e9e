"""Java .properties: three separators, continuation lines, Unicode escapes; kept to the letter."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError
from checks.formats.copies import with_copies
from checks.formats.textlines import continued, numbered
from checks.lazy import regex
from checks.model import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.formats.textlines import Line

GENERIC: Final = True
NAMES: tuple[str, ...] = with_copies("*.properties")


_KEY: Final = regex(r"[^\s=:\\]*+(?:\\.[^\s=:\\]*+)*+")
_SEPARATOR: Final = regex(r"[ \t\f]*+[=:]?[ \t\f]*+")
_ESCAPE: Final = regex(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_NAMES: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def _escape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _NAMES.get(found[2], found[2])


def decode(text: str) -> str:
    """Undo the escapes; half a surrogate pair becomes U+FFFD."""
    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(_escape, text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _logical(text: str) -> Iterator[Line]:
    """Join continued lines; white space in front of each part does not count."""
    lines = (line._replace(text=line.text.lstrip(" \t\f")) for line in numbered(text))
    kept = (line for line in lines if not line.text.startswith(("#", "!")))
    return continued(kept, glue="")


def parse(text: str) -> Iterator[Entry]:
    """Give every property under (key,), the key unescaped and not split at its dots.

    A value keeps its trailing white space, as Java does. Raises FormatError for JSON and XML.
    """
    if text.lstrip("\ufeff \t\r\n")[:1] in {"{", "<"}:
        raise FormatError("another format", 1)
    for line in _logical(text):
        key = _KEY.match(line.text)
        if key is None or not key[0]:
            continue
        separator = _SEPARATOR.match(line.text, key.end())
        start = separator.end() if separator else key.end()
        yield Entry((decode(key[0]),), decode(line.text[start:]), line.number)
