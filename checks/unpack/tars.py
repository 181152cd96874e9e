"""Read tar archives: v7, ustar, pax and GNU, header by header.

POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; the GNU tar manual, "Basic
Tar Format" and "Storing Sparse Files". A sparse file is given as its stored pieces, one after the
other: its holes say nothing. Blocks of zeros inside the archive are passed over, so what stands
behind an early end mark (as in concatenated archives) is read too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.lazy import regex
from checks.unpack import UNKNOWN, Item
from checks.unpack.limits import META
from checks.unpack.streams import TRUNCATED, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.unpack.limits import Meter
    from checks.unpack.streams import Stream

_BLOCK: Final = 512
_AFTER_CHECKSUM: Final = frozenset(b" \x0001234567")
_OCTAL: Final = regex(rb"[ \0]*([0-7]*)[ \0]*")
_WITHOUT_DATA: Final = {
    b"1": "link",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"5": "folder",
    b"6": "fifo",
}
_LONG: Final = {b"L": b"path", b"K": b"linkpath"}
_DESCRIBING: Final = b"LKxX"
_IGNORED: Final = b"gDVN"
_GNU_SPARSE: Final = b"S"
_PAX_KEYS: Final = frozenset((b"path", b"linkpath", b"GNU.sparse.name", b"size", b"uid", b"gid"))


class Entry(NamedTuple):
    """What one header describes. item: its body counts for a "file" only.

    kind: "file", "link" (a hard one), "symlink", "device", "folder" or "fifo"; target: of links.
    """

    kind: str
    item: Item
    target: str = ""


class _Header:
    """One header block, its fields decoded; raises FormatError when it is none."""

    def __init__(self, block: bytes) -> None:
        if not is_header(block):
            raise FormatError("corrupt header")
        self.type = block[156:157]
        self.mode = _number(block[100:108])
        self.uid = _number(block[108:116])
        self.gid = _number(block[116:124])
        self.size = 0 if self.type in _WITHOUT_DATA else _number(block[124:136])
        if self.size < 0:
            raise FormatError("corrupt header")
        self.name = _text(block[:100])
        self.target = _text(block[157:257])
        # POSIX: the prefix exists with this magic only; GNU keeps times there.
        if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
            self.name = prefix + b"/" + self.name
        self.extended = self.type == _GNU_SPARSE and block[482] != 0


def is_header(block: bytes) -> bool:
    """Say whether 512 bytes are a tar header: a name, and a checksum that is right."""
    if len(block) < _BLOCK or not block[0] or block[155] not in _AFTER_CHECKSUM:
        return False
    stored = _OCTAL.fullmatch(block[148:156])
    if not stored or not stored[1]:
        return False
    wanted = int(stored[1], 8)
    rest = block[:148] + b"        " + block[156:_BLOCK]
    found = sum(rest)
    # Old Sun tars summed signed bytes.
    return wanted == found or wanted == found - 256 * sum(byte > 127 for byte in rest)


def items(stream: Stream, meter: Meter) -> Iterator[Item]:
    """Give the files of a tar archive; see the package for the terms."""
    return (entry.item for entry in entries(stream, meter) if entry.kind == "file")


def entries(stream: Stream, meter: Meter) -> Iterator[Entry]:
    """Give all that a tar archive holds, on the terms of `items`."""
    extra: dict[bytes, bytes] = {}
    while block := _next_block(stream):
        meter.header()
        header = _Header(block)
        if header.type in _DESCRIBING and header.size > META:
            problem = "extended header is too large"
            yield Entry("file", Item(_shown(header.name), 0, None, problem=problem))
            stream.skip(header.size + -header.size % _BLOCK)
        elif header.type in _DESCRIBING:
            extra |= _extra(header, stream)
        elif header.type in _IGNORED:
            stream.skip(header.size + -header.size % _BLOCK)
        elif header.type in _WITHOUT_DATA:
            yield _other(header, extra)
            extra = {}
        else:
            yield from _file(header, extra, stream, meter)
            extra = {}


def _next_block(stream: Stream) -> bytes:
    if not stream.peek(1).strip(b"\0"):
        stream.skip_zeros(_BLOCK)
    block = stream.read(_BLOCK)
    if 0 < len(block) < _BLOCK and block.strip(b"\0"):
        raise FormatError(TRUNCATED)
    return block if len(block) == _BLOCK else b""


def _other(header: _Header, extra: dict[bytes, bytes]) -> Entry:
    name = _shown(extra.get(b"path") or header.name)
    target = _shown(extra.get(b"linkpath") or header.target)
    return Entry(_WITHOUT_DATA[header.type], _owned(header, extra, name, 0, None), target)


def _owned(
    header: _Header, extra: dict[bytes, bytes], name: str, size: int, body: Section | None
) -> Item:
    uid = _decimal(extra.get(b"uid"), header.uid)
    return Item(
        name, size, body, header.mode & 0o7777, uid, _decimal(extra.get(b"gid"), header.gid)
    )


def _file(
    header: _Header, extra: dict[bytes, bytes], stream: Stream, meter: Meter
) -> Iterator[Entry]:
    while header.extended:
        meter.header()
        header.extended = stream.exactly(_BLOCK)[504] != 0
    size = _decimal(extra.get(b"size"), header.size)
    name = extra.get(b"GNU.sparse.name") or extra.get(b"path") or header.name
    body = Section(stream, size)
    kind = "folder" if name.endswith(b"/") else "file"
    yield Entry(kind, _owned(header, extra, _shown(name), size, body))
    body.finish()
    stream.skip(-size % _BLOCK)


def _extra(header: _Header, stream: Stream) -> dict[bytes, bytes]:
    """Read what a long name or a pax header says of the next file."""
    data = stream.exactly(header.size)
    stream.skip(-header.size % _BLOCK)
    key = _LONG.get(header.type)
    return {key: _text(data)} if key else _records(data)


def _records(data: bytes) -> dict[bytes, bytes]:
    """Read the records of a pax header, each `LENGTH KEY=VALUE` and a newline."""
    found = {}
    at = 0
    while at < len(data) and data[at]:
        space = data.find(b" ", at, at + 20)
        size = _decimal(data[at:space], 0) if space > 0 else 0
        key, equals, value = data[space + 1 : at + size - 1].partition(b"=")
        if size < 5 or at + size > len(data) or not equals:
            raise FormatError("corrupt extended header")
        if key in _PAX_KEYS:
            found[key] = value
        at += size
    return found


def _shown(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _decimal(text: bytes | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not text.isdigit() or len(text) > 19:
        raise FormatError("corrupt extended header")
    return int(text)


def _number(field: bytes) -> int:
    """Read an octal field, or GNU's binary one, where the first byte is 0x80 or 0xff."""
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return UNKNOWN if field[0] == 0xFF else value
    digits = _OCTAL.fullmatch(field)
    if not digits:
        raise FormatError("corrupt header")
    return int(digits[1] or b"0", 8)
