"""Read ar archives: Debian packages and static libraries.

ar(5) and deb(5): 60-byte headers in text, members padded to even offsets. Long names come from
GNU's "//" table or, as BSD has it, stand in front of the data ("#1/LENGTH").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.errors import FormatError, LimitError
from checks.unpack import UNKNOWN, Item
from checks.unpack.limits import META
from checks.unpack.streams import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.unpack.limits import Meter
    from checks.unpack.streams import Stream

MAGIC: Final = b"!<arch>\n"
_HEADER: Final = 60
_SYMBOLS: Final = (b"/", b"/SYM64/", b"__.SYMDEF", b"__.SYMDEF SORTED")


def items(stream: Stream, meter: Meter) -> Iterator[Item]:
    """Give the files of an ar archive; symbol tables are passed over."""
    if stream.exactly(len(MAGIC)) != MAGIC:
        raise FormatError("corrupt header")
    names = b""
    while head := stream.read(_HEADER):
        meter.header()
        if len(head) < _HEADER or head[58:] != b"`\n":
            raise FormatError("corrupt header")
        name, size = head[:16].rstrip(b" "), _number(head[48:58], 10)
        body = Section(stream, size)
        if name == b"//":
            names = body.exactly(_bounded(size))
        elif name not in _SYMBOLS:
            yield _item(head, _name(name, names, body), size, body)
        body.finish()
        if size % 2 and stream.peek(1):
            stream.skip(1)


def _item(head: bytes, name: bytes, size: int, body: Section) -> Item:
    return Item(
        name.decode(errors="surrogateescape"),
        size,
        body,
        _number(head[40:48], 8) & 0o7777,
        _number(head[28:34], 10, UNKNOWN),
        _number(head[34:40], 10, UNKNOWN),
    )


def _name(name: bytes, names: bytes, body: Section) -> bytes:
    if name.startswith(b"#1/"):
        return body.exactly(_bounded(_number(name[3:], 10))).rstrip(b"\0")
    if name.startswith(b"/"):
        start = _number(name[1:], 10)
        return names[start : start + META].partition(b"\n")[0].rstrip(b"/")
    return name.removesuffix(b"/")


def _bounded(size: int) -> int:
    if size > META:
        raise LimitError("file name table is too large")
    return size


def _number(field: bytes, base: int, empty: int = 0) -> int:
    text = field.strip(b" ")
    if not text:
        return empty
    if not text.isdigit():
        raise FormatError("corrupt header")
    try:
        return int(text, base)
    except ValueError as error:
        raise FormatError("corrupt header") from error
