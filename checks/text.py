"""Turn the bytes of a file into the text that is matched and parsed, or say that it is binary."""

from __future__ import annotations

import codecs
import contextlib
from typing import Final, NamedTuple

from checks.lazy import regex

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BOM_FIRST: Final = frozenset(bom[:1] for bom, _ in _BOMS)
_MAGIC: Final = regex(
    rb"\x7fELF|\x89PNG|GIF8|\xff\xd8\xff|\xca\xfe\xba\xbe|%PDF-|SQLite format 3|\x00asm|MZ\x90"
    rb"|wOF[F2]|\xde\x12\x04\x95|OggS|RIFF|ID3|\x1a\x45\xdf\xa3|\xfe\xed\xfa|\xcf\xfa\xed\xfe|LPKSHHRH|!<arch>"
)
_MAGIC_FIRST: Final = frozenset(b"!%GILMORSw")
"""How those of _MAGIC begin that begin like a text: few texts are asked for them."""
_CONTROLS: Final = bytes(set(range(32)) - {0, 7, 8, 9, 10, 11, 12, 13, 27})
_NOT_ASCII: Final = _CONTROLS + bytes(range(128, 256))
_SAMPLE: Final = 64 * 1024


_PLAIN: Final = frozenset(b"\t\n\r") | frozenset(range(32, 127))


class Text(NamedTuple):
    """Bytes ready to be matched: UTF-8, or an 8-bit text as it was; `encoding` tells which."""

    data: bytes
    encoding: str

    def __repr__(self) -> str:
        """Leave the data out."""
        return f"<Text {self.encoding} {len(self.data)} bytes>"

    @property
    def string(self) -> str:
        """The decoded text; bytes that do not fit their encoding are read as Latin-1."""
        if self.encoding == "latin-1":
            return self.data.decode("latin-1")
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")


def mark(head: bytes) -> bytes:
    """Give the byte-order mark with which a text of wide characters begins, else b""."""
    found = next((bom for bom, _ in _BOMS if head.startswith(bom)), b"")
    return b"" if found == codecs.BOM_UTF8 else found


def is_plain(data: bytes) -> bool:
    """Say at a glance whether bytes are a text as they are: no mark or magic, no zero byte."""
    first = data[0]
    if first not in _PLAIN or b"\0" in data:
        return False
    return first not in _MAGIC_FIRST or _MAGIC.match(data) is None


def read(data: bytes) -> Text | None:
    """Decode a file's bytes; None when they are no text.

    UTF-16 and UTF-32 are recognised by their byte-order mark or, without one, by where their zero
    bytes stand, and become UTF-8. A text with stray zero bytes stays a text: they become line ends.
    """
    if data[:1] in _BOM_FIRST:
        for bom, encoding in _BOMS:
            if data.startswith(bom):
                return _transcoded(data[len(bom) :], encoding)
    if b"\0" not in data:
        return None if _MAGIC.match(data) and not _readable(data) else Text(data, "utf-8")
    sample = data[:_SAMPLE]
    wide = _wide(sample)
    if wide:
        return _transcoded(data, wide)
    # A log that was cut while its writer went on begins with a hole, one made in advance ends so.
    data = data.strip(b"\0")
    sample = data[:_SAMPLE]
    if _MAGIC.match(data) or not _mostly_text(sample):
        return None
    return Text(data.replace(b"\0", b"\n"), "utf-8")


def _wide(sample: bytes) -> str:
    """Name UTF-16 or UTF-32 without a byte-order mark: by which bytes are almost always zero."""
    quarters = [sample[at::4].count(0) / max(1, len(sample) // 4) for at in range(4)]
    if len(sample) >= 8 and min(quarters[1:]) > 0.9 and quarters[0] < 0.1:
        return "utf-32-le"
    if len(sample) >= 8 and min(quarters[:3]) > 0.9 and quarters[3] < 0.1:
        return "utf-32-be"
    half = max(1, len(sample) // 2)
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if odd > 0.7 * half and even < 0.05 * half and not len(sample) < 8:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.05 * half and not len(sample) < 8:
        return "utf-16-be"
    return ""


def _mostly_text(sample: bytes) -> bool:
    """Few control bytes, and zero bytes rare enough to be separators."""
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return controls < 0.002 * len(sample) and sample.count(0) < 0.15 * len(sample)


def _readable(data: bytes) -> bool:
    """UTF-8, or few bytes that ASCII has not: a binary file's first bytes are only the text's."""
    sample = data[:_SAMPLE]
    with contextlib.suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(sample)
        return True
    return len(sample.translate(None, _NOT_ASCII)) > 0.9 * len(sample)


def _transcoded(data: bytes, encoding: str) -> Text:
    if encoding == "utf-8":
        return Text(data, encoding)
    return Text(data.decode(encoding, "replace").encode("utf-8", "replace"), encoding)


class Lines:
    """Line numbers of offsets asked for in rising order, in one pass over the data."""

    def __init__(self, data: bytes, first: int = 1) -> None:
        """Keep DATA, whose first line has the number FIRST."""
        self._data = data
        self._offset = 0
        self._line = first

    def at(self, offset: int) -> int:
        """Give the 1-based line of an offset; one that lies before the last asked counts anew."""
        if offset < self._offset:
            return self._line - self._data.count(b"\n", offset, self._offset)
        self._line += self._data.count(b"\n", self._offset, offset)
        self._offset = offset
        return self._line
