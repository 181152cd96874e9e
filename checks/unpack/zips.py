"""Read zip archives by their central directory, entry by entry, checking every claim.

PKWARE's APPNOTE 6.3.10; section numbers below are its. The directory is walked in place, never
held. Compressed bytes are counted against the size of the file, so members that share bytes (an
overlap bomb) are refused whatever the directory claims.
"""

from __future__ import annotations

import stat
import struct
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from checks.errors import FormatError, LimitError
from checks.unpack import Item
from checks.unpack.decoders import CODECS, DEFLATE, Codec
from checks.unpack.expand import Expanded
from checks.unpack.streams import TRUNCATED, Raw, Section, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.unpack.limits import Meter

_END: Final = struct.Struct("<4s4H2LH")
_END64_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MAX16: Final = 0xFFFF
_MAX32: Final = 0xFFFFFFFF
_ENCRYPTED: Final = 0x2041  # 4.4.4: bits 0, 6 and 13
_UTF8: Final = 0x800
_AES: Final = 99
_STORED: Final = 0
_METHODS: Final[dict[int, Codec]] = {
    8: DEFLATE,
    12: CODECS["bzip2"],
    93: CODECS["zstd"],
    95: CODECS["xz"],
}


class _Directory(NamedTuple):
    """Where the central directory is. shift: bytes in front, as in a self-extractor."""

    start: int
    end: int
    shift: int


class _Entry(NamedTuple):
    """One directory entry, 4.3.12, sizes and offset after the zip64 extra field."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


def items(file: BinaryIO, meter: Meter) -> Iterator[Item]:
    """Give the files of a zip archive in a seekable file; see the package for the terms."""
    directory = _find_directory(file)
    at, packed = directory.start, 0
    while at < directory.end:
        meter.header()
        entry, at = _entry(file, at, directory.end)
        if entry.name.endswith(b"/") or stat.S_ISLNK(entry.mode):
            continue
        packed += entry.packed
        if packed > directory.start:
            raise LimitError("members share the same bytes (a decompression bomb?)")
        yield _item(file, entry, directory, meter)
    if directory.shift:
        raise FormatError("what stands in front of its first member was not looked at")


def _item(file: BinaryIO, entry: _Entry, directory: _Directory, meter: Meter) -> Item:
    encoding = "utf-8" if entry.flags & _UTF8 else "cp437"  # appendix D.1
    name = entry.name.decode(encoding, errors="surrogateescape")
    if entry.flags & _ENCRYPTED or entry.method == _AES:
        return Item(name, entry.size, None, problem="encrypted")
    if entry.method != _STORED and entry.method not in _METHODS:
        return Item(name, entry.size, None, problem="unsupported compression")
    try:
        section = _packed(file, entry, directory)
    except FormatError as error:
        return Item(name, entry.size, None, problem=error.reason)
    codec = _METHODS.get(entry.method)
    plain = Expanded(section, codec, meter) if codec else section
    return Item(name, entry.size, _Checked(plain, entry), stat.S_IMODE(entry.mode))


class _Checked(Stream):
    """The content of a member, its size and checksum compared at the end."""

    def __init__(self, inner: Stream, entry: _Entry) -> None:
        super().__init__()
        self._inner = inner
        self._entry = entry
        self._crc = 0
        self._given = 0
        self.metered = inner.metered

    def _pull(self, size: int) -> bytes:
        found = self._inner.read(size)
        self._crc = zlib.crc32(found, self._crc)
        self._given += len(found)
        if not found and (self._given, self._crc) != (self._entry.size, self._entry.crc):
            raise FormatError("size or checksum differs from the directory's")
        return found


def _packed(file: BinaryIO, entry: _Entry, directory: _Directory) -> Section:
    """Find a member's bytes behind its local header, 4.3.7."""
    at = entry.offset + directory.shift
    head = _LOCAL.unpack(_read_at(file, at, _LOCAL.size))
    data = at + _LOCAL.size + head[9] + head[10]
    if head[0] != b"PK\x03\x04" or data + entry.packed > directory.start:
        raise FormatError("corrupt header")
    if head[2] & _ENCRYPTED:
        raise FormatError("encrypted")
    file.seek(data)
    return Section(Raw(file), entry.packed)


def _entry(file: BinaryIO, at: int, end: int) -> tuple[_Entry, int]:
    fields = _ENTRY.unpack(_read_at(file, at, _ENTRY.size))
    (_, made_by, _, flags, method, _, _, crc, packed, size, name_size, extra_size) = fields[:12]
    behind = at + _ENTRY.size + name_size + extra_size + fields[12]
    if fields[0] != b"PK\x01\x02" or behind > end:
        raise FormatError("corrupt directory")
    tail = _read_at(file, at + _ENTRY.size, name_size + extra_size)
    size, packed, offset = _zip64(tail[name_size:], (size, packed, fields[16]))
    mode = fields[15] >> 16 if made_by >> 8 == 3 else 0  # 4.4.2: 3 is Unix
    return _Entry(tail[:name_size], flags, method, crc, packed, size, offset, mode), behind


def _zip64(extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Put in what did not fit into 32 bits, 4.5.3: size, packed size, offset, in this order."""
    if _MAX32 not in values:
        return values
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            wide = struct.iter_unpack("<Q", extra[at + 4 : at + 4 + min(length, 24) // 8 * 8])
            size, packed, offset = (_wide(value, wide) for value in values)
            return size, packed, offset
        at += 4 + length
    return values


def _wide(value: int, wide: Iterator[tuple[int]]) -> int:
    return next(wide, (value,))[0] if value == _MAX32 else value


def _find_directory(file: BinaryIO) -> _Directory:
    """Find the end record, 4.3.16, behind which only a comment of up to 65535 bytes stands."""
    file_size = file.seek(0, 2)
    tail_at = max(0, file_size - _END.size - _MAX16)
    tail = _read_at(file, tail_at, file_size - tail_at)
    found = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
    if found < 0:
        raise FormatError(TRUNCATED)
    end = tail_at + found
    fields = _END.unpack_from(tail, found)
    size, offset = fields[5], fields[6]
    if _MAX32 in (size, offset) or _MAX16 in fields[3:5]:
        size, offset, end = _find_directory64(file, (size, offset, end))
    start = end - size
    if start < 0 or start < offset:
        raise FormatError("corrupt directory")
    return _Directory(start, end, start - offset)


def _find_directory64(file: BinaryIO, otherwise: tuple[int, int, int]) -> tuple[int, int, int]:
    """Read the zip64 end record, 4.3.14, by its locator in front of the end record."""
    at = otherwise[2] - _END64_LOCATOR.size
    if at < 0:
        return otherwise
    locator = _END64_LOCATOR.unpack(_read_at(file, at, _END64_LOCATOR.size))
    if locator[0] != b"PK\x06\x07":
        return otherwise
    record_at = at - _END64.size
    if record_at < 0:
        raise FormatError("corrupt directory")
    record = _END64.unpack(_read_at(file, record_at, _END64.size))
    if record[0] != b"PK\x06\x06":
        raise FormatError("corrupt directory")
    return record[8], record[9], record_at


def _read_at(file: BinaryIO, at: int, size: int) -> bytes:
    try:
        file.seek(at)
    except (OSError, ValueError, OverflowError) as error:
        raise FormatError("corrupt directory") from error
    return Raw(file).exactly(size)
