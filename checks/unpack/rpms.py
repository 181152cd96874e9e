"""Find the payload of an rpm package: a compressed cpio archive behind three headers.

The RPM file format, version 4: a lead of 96 bytes, the signature header (padded to 8), the main
header. A header is 8 bytes of magic, the number of index entries (16 bytes each) and the size of
the data behind them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError

if TYPE_CHECKING:
    from checks.unpack.streams import Stream

MAGIC: Final = b"\xed\xab\xee\xdb"
_LEAD: Final = 96
_HEADER: Final = b"\x8e\xad\xe8"


def skip_headers(stream: Stream) -> None:
    """Move a stream from the start of a package to its payload; raises FormatError."""
    stream.skip(_LEAD)
    stream.skip(-_skip_header(stream) % 8)
    _skip_header(stream)


def _skip_header(stream: Stream) -> int:
    head = stream.exactly(16)
    if head[:3] != _HEADER:
        raise FormatError("corrupt header")
    entries, size = int.from_bytes(head[8:12], "big"), int.from_bytes(head[12:16], "big")
    stream.skip(16 * entries + size)
    return size
