"""Read the DER of X.690: tags, lengths and values, and nothing of their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
OID: Final = 0x06
SEQUENCE: Final = 0x30


class Node(NamedTuple):
    """One element: its tag byte, its value and the whole encoding."""

    tag: int
    value: bytes
    raw: bytes

    def __repr__(self) -> str:
        """Leave the value out: it may be a key."""
        return f"<Node {self.tag:#04x} {len(self.value)} bytes>"

    @property
    def number(self) -> int:
        """The value of an INTEGER of 0 or more; raises FormatError if not, or over 64 bytes."""
        if self.tag != INTEGER or not 0 < len(self.value) <= 64 or self.value[0] & 0x80:
            raise FormatError("DER: expected a small number")
        return int.from_bytes(self.value, "big")

    @property
    def octets(self) -> bytes:
        """The value of an OCTET STRING; raises FormatError for anything else."""
        if self.tag != OCTET_STRING:
            raise FormatError("DER: expected an octet string")
        return self.value

    @property
    def oid(self) -> str:
        """The dotted name of an OBJECT IDENTIFIER; raises FormatError for anything else."""
        if self.tag != OID or not self.value or len(self.value) > 64:
            raise FormatError("DER: expected an object identifier")
        first = min(self.value[0] // 40, 2)
        arcs, arc = [first, self.value[0] - 40 * first], 0
        for byte in self.value[1:]:
            arc = arc << 7 | byte & 0x7F
            if not byte & 0x80:
                arcs.append(arc)
                arc = 0
        return ".".join(map(str, arcs))

    @property
    def children(self) -> tuple[Node, ...]:
        """The elements inside; raises FormatError when they do not fill the value exactly."""
        if not self.tag & 0x20:
            raise FormatError("DER: expected a constructed element")
        return tuple(_elements(self.value))


def read(data: bytes, at: int = 0) -> Node:
    """Give the element that starts at offset AT; bytes after it are left alone.

    Raises FormatError when it is cut off, of indefinite length (BER) or has a long tag.
    """
    start, size = _header(data, at)
    if start + size > len(data):
        raise FormatError("DER: an element is cut off")
    return Node(data[at], data[start : start + size], data[at : start + size])


def extent(data: bytes) -> int:
    """Say how many bytes the first element claims to take, whether they are there or not."""
    start, size = _header(data, 0)
    return start + size


def spans(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Give tag, start and end of the value of each element between two offsets, copying nothing.

    Raises FormatError when they do not fill it exactly, and as `read` does.
    """
    while at < end:
        start, size = _header(data, at)
        if start + size > end:
            raise FormatError("DER: an element is cut off")
        yield data[at], start, start + size
        at = start + size


def _elements(data: bytes) -> Iterator[Node]:
    at = 0
    while at < len(data):
        node = read(data, at)
        yield node
        at += len(node.raw)


def _header(data: bytes, at: int) -> tuple[int, int]:
    """Give where the value starts and its length."""
    if at + 2 > len(data):
        raise FormatError("DER: an element is cut off")
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F or first == 0x80:
        raise FormatError("DER: a long tag or an indefinite length")
    if first < 0x80:
        return at + 2, first
    wide = first & 0x7F
    if wide > 4 or at + 2 + wide > len(data):
        raise FormatError("DER: a length that no file can have")
    return at + 2 + wide, int.from_bytes(data[at + 2 : at + 2 + wide], "big")
