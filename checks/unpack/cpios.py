"""Read cpio archives in the "new" format, as in initramfs images and packages.

cpio(5), "New ASCII Format"; the kernel's Documentation/driver-api/early-userspace/buffer-format.rst
for what may follow the trailer: more archives, compressed or not, after zero padding.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from checks.errors import FormatError, LimitError
from checks.lazy import regex
from checks.unpack import Item
from checks.unpack.limits import META
from checks.unpack.streams import Section, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.unpack.limits import Meter

_HEADER: Final = regex(rb"07070[12]([0-9A-Fa-f]{104})")
_SIZE: Final = 110
_TRAILER: Final = b"TRAILER!!!"


class _Rest(Stream):
    """What is left of a stream, whatever its length."""

    def __init__(self, parent: Stream) -> None:
        super().__init__()
        self._parent = parent
        self.metered = parent.metered

    def _pull(self, size: int) -> bytes:
        return self._parent.read(size)


def items(stream: Stream, meter: Meter) -> Iterator[Item]:
    """Give the files of a cpio archive; a further segment is an item of its own."""
    while True:
        meter.header()
        fields, name = _header(stream)
        if name == _TRAILER:
            break
        body = Section(stream, fields[6])
        if stat.S_ISREG(fields[1]) and fields[6]:
            shown = name.decode(errors="surrogateescape")
            yield Item(shown, fields[6], body, stat.S_IMODE(fields[1]), fields[2], fields[3])
        body.finish()
        stream.skip(-fields[6] % 4)
    stream.skip_zeros()
    if stream.peek(1):
        yield Item("next-segment", 0, _Rest(stream))


def _header(stream: Stream) -> tuple[list[int], bytes]:
    """Give the 13 numbers of a header (1 mode, 2 uid, 3 gid, 6 size, 11 name size) and the name."""
    match = _HEADER.fullmatch(stream.exactly(_SIZE))
    if not match:
        raise FormatError("corrupt header")
    fields = [int(match[1][at : at + 8], 16) for at in range(0, 104, 8)]
    if fields[11] > META:
        raise LimitError("file name is too long")
    name = stream.exactly(fields[11]).rstrip(b"\0")
    stream.skip(-(_SIZE + fields[11]) % 4)
    return fields, name
