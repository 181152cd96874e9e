"""Decompress piece by piece with bounded output: the shape of bz2's decompressor, for all."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import zstandard

from checks.errors import FormatError
from checks.unpack.kinds import GZIP_MAGIC, XZ_MAGIC
from checks.unpack.limits import WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

FOREIGN_ERRORS: Final = (
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    OSError,
    EOFError,
    ValueError,
    MemoryError,
)
"""What the decompressors raise on damaged input."""

_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_BLOCK: Final = 1 << 17  # RFC 8878 3.1.1.2.4: Block_Maximum_Size is 128 KiB at the most
_RLE: Final = 1
_ZSTD_BLOCKS: Final = 50_000
_ZSTD_AVERAGE: Final = 256
"""So many blocks are free, and one more for so many bytes given: an empty block costs time."""
CORRUPT: Final = "corrupt"


class Decoder(Protocol):
    """One compressed frame, with the interface of bz2.BZ2Decompressor."""

    @property
    def eof(self) -> bool:
        """Whether the frame ended."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes out before something is fed."""

    @property
    def unused_data(self) -> bytes:
        """What was fed beyond the end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Feed DATA and give up to MAX_LENGTH bytes; raises one of FOREIGN_ERRORS."""


class Codec(NamedTuple):
    """A compression. magics: how a further frame may begin, () when there can be none."""

    open: Callable[[], Decoder]
    magics: tuple[bytes, ...] = ()


class _Zlib:
    """Gives zlib's decompressor the interface of the others."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)
        self._tail = b""
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._tail and not self._full

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        out = self._inner.decompress(self._tail + data, max_length)
        self._tail = self._inner.unconsumed_tail
        self._full = len(out) == max_length  # more may be waiting inside
        return out


class _Zstd:
    """Feeds one block at a time, so that a step gives 128 KiB at the most, and knows the end.

    The binding's own readers either bound nothing or hide that a frame was cut short.
    RFC 8878 3.1.1 is the layout that is walked here.
    """

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
        self._fed = b""
        self._at = 0
        self._ready = b""
        self._measure = self._header
        self._checksum = False
        self._blocks = 0
        self._given = 0
        self._hungry = True
        self._ended = False

    @property
    def eof(self) -> bool:
        return self._ended and not self._ready

    @property
    def needs_input(self) -> bool:
        return self._hungry and not self._ready

    @property
    def unused_data(self) -> bytes:
        return self._fed[self._at :] if self._ended else b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if data:
            self._fed = self._fed[self._at :] + data
            self._at = 0
        if not self._ready:
            self._ready = self._step()
        out, self._ready = self._ready[:max_length], self._ready[max_length:]
        return out

    def _step(self) -> bytes:
        size = self._measure()
        self._hungry = not size or len(self._fed) - self._at < size
        if self._hungry:
            return b""
        piece = self._fed[self._at : self._at + size]
        self._at += size
        out = self._inner.decompress(piece)
        self._given += len(out)
        self._advance(piece)
        return out

    def _advance(self, piece: bytes) -> None:
        """Choose what comes after a whole piece: block after block, a checksum, the end."""
        if self._measure == self._header:
            self._measure = self._block
        elif self._measure == self._trailer:
            self._ended = True
        elif piece[0] & 1:
            self._measure = self._trailer
            self._ended = not self._checksum
        self._blocks += 1
        if self._blocks > _ZSTD_BLOCKS + self._given // _ZSTD_AVERAGE:
            raise FormatError("divided into too many empty blocks")

    def _header(self) -> int:
        head = self._fed[self._at : self._at + 5]
        if len(head) < 5:
            return 0
        if head[:4] != _ZSTD_MAGIC:
            raise FormatError(CORRUPT)
        single = head[4] >> 5 & 1
        self._checksum = bool(head[4] >> 2 & 1)
        content = (single, 2, 4, 8)[head[4] >> 6]
        return 5 + (1 - single) + (0, 1, 2, 4)[head[4] & 3] + content

    def _block(self) -> int:
        head = self._fed[self._at : self._at + 3]
        if len(head) < 3:
            return 0
        word = int.from_bytes(head, "little")
        size = word >> 3
        if size > _ZSTD_BLOCK:
            raise FormatError(CORRUPT)
        return 3 + (1 if word >> 1 & 3 == _RLE else size)

    def _trailer(self) -> int:
        return 4


CODECS: Final[dict[str, Codec]] = {
    "bzip2": Codec(bz2.BZ2Decompressor, (b"BZh",)),
    "gzip": Codec(lambda: _Zlib(31), (GZIP_MAGIC,)),
    "lzma": Codec(lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=WINDOW)),
    "xz": Codec(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW), (XZ_MAGIC,)),
    "zstd": Codec(_Zstd, (_ZSTD_MAGIC,)),
}
"""By the kind's name."""

DEFLATE: Final = Codec(lambda: _Zlib(-15))
