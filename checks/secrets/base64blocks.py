"""Find whole PEM texts that were encoded in base64 once more, or twice."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

HINTS: Final = (b"LS0tLS1CRUdJTi", b"TFMwdExTMUNSVWRKVGl")
"""Base64 of "-----BEGIN " and base64 of that, as far as the next characters leave it unchanged."""

_DEPTH: Final = 2
_LONGEST: Final = 4 << 20
# A wrapped text goes on over line ends, real or escaped, until the next one starts.
_TEXT: Final = regex(
    rb"(?:LS0tLS1CRUdJTi|TFMwdExTMUNSVWRKVGl)[A-Za-z0-9+/]*"
    rb"(?:(?:[ \t]|\\?\r?\n|\\r|\\n){1,40}(?!LS0tLS1CRUdJTi|TFMwdExTMUNSVWRKVGl)"
    rb"[A-Za-z0-9+/]+)*"
)


def find(data: bytes) -> Iterator[tuple[int, bytes, bytes, int]]:
    """Give (offset, bytes as they stand, decoded text, layers of base64) of each."""
    if not any(hint in data for hint in HINTS):
        return
    for found in _TEXT.finditer(data):
        raw = found.group()
        text, layers = _decode(raw), 1
        while layers < _DEPTH and text.startswith(HINTS[0]):
            text, layers = _decode(text), layers + 1
        yield found.start(), raw, text, layers


def _decode(raw: bytes) -> bytes:
    text = re.sub(rb"\\[rn]|[^A-Za-z0-9+/]", b"", raw[:_LONGEST])
    text = text[: len(text) - (len(text) % 4 == 1)]
    return binascii.a2b_base64(text + b"=" * (-len(text) % 4))
