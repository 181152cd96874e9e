"""Records in the order they were written, from one role to whoever may read its folder. EDGE.

A journal is a folder of numbered segments. A segment begins with the name of its stream and the
first sequence number in it; a record is its length, its sequence number, a CRC-32 of both and of
the content, and the content. Sequence numbers rise, with gaps where records were given up; a role
that lost its state begins a new stream, and the old one stays until it was taken.

One process writes; readers need nothing but to read, and believe nothing: what does not check is
set apart and told as damage, never decoded.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
import zlib
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MAGIC: Final = b"hygiene-journal-1 "
_STREAM: Final = 32
"""Hexadecimal digits of a stream's name."""
_HEAD: Final = len(_MAGIC) + _STREAM + 1 + 16 + 1
_HEADING: Final = re.compile(_MAGIC + rb"([0-9a-f]{32}) ([0-9a-f]{16})\n")
_FRAME: Final = struct.Struct(">IQI")
LONGEST: Final = 1024 * 1024
"""Bytes of one record."""
_SEGMENT: Final = 1024 * 1024
"""A segment is closed when it has reached so many bytes."""
_MOST_SEGMENTS: Final = 100_000
_NAMED: Final = re.compile(r"[0-9a-f]{16}\.seg")
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PASSING: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))
"""Why a segment cannot be read that says nothing about the segment."""


class JournalError(HygieneError):
    """A journal that cannot be written."""


class Record(NamedTuple):
    """One record."""

    sequence: int
    content: bytes


class Damage(NamedTuple):
    """A place from which a segment cannot be read; behind: the last number read before it."""

    segment: str
    behind: int


class _Segment(NamedTuple):
    """A file that is named like a segment. stream: "" where its head is none."""

    path: str
    number: int
    size: int
    changed: float
    stream: str
    first: int


class Writer:
    """The one that writes a journal."""

    def __init__(self, folder: str, stream: str, *, mode: int = 0o600) -> None:
        """Open a journal of a stream (32 hex digits), cutting off what a crash left half written.

        Segments of another stream, or that are damaged, are closed: nothing is added to them.
        Raises JournalError.
        """
        self._folder, self._stream, self._mode = folder, stream, mode
        self._file = -1
        self._size = 0
        self.last = 0
        """The highest number that was ever written to this stream, as far as it can be seen."""
        try:
            os.makedirs(folder, mode=0o700 if mode == 0o600 else 0o750, exist_ok=True)
            self._resume()
        except OSError as error:
            raise JournalError(f"{folder}: {error.strerror}") from error

    def _resume(self) -> None:
        segments = _segments(self._folder)
        for segment in reversed(segments):
            if segment.stream != self._stream:
                continue
            found = _scan(segment.path)
            self.last = max(self.last, found.last or segment.first - 1)
            if segment == segments[-1] and found.end < segment.size and found.torn:
                os.truncate(segment.path, found.end)
            if segment == segments[-1] and (found.torn or found.end == segment.size):
                self._file = os.open(segment.path, os.O_WRONLY | os.O_APPEND | _FLAGS)
                self._size = found.end
            return

    def append(self, records: Iterable[Record]) -> None:
        """Write records whose numbers rise, and see them on the disk; raises JournalError.

        Those that are there already, from before a crash, are passed over.
        """
        fresh = [record for record in records if record.sequence > self.last]
        try:
            for record in fresh:
                self._write(record)
            if fresh:
                os.fdatasync(self._file)
                os.utime(self._folder)  # what a reader looks at to see that there is more
        except OSError as error:
            self._give_up()
            raise JournalError(f"{self._folder}: {error.strerror}") from error

    def _write(self, record: Record) -> None:
        if len(record.content) > LONGEST:
            raise JournalError("journal: a record is too long")
        if self._file < 0 or self._size >= _SEGMENT:
            self._begin(record.sequence)
        framed = _framed(record)
        view = memoryview(framed)
        while view:
            view = view[os.write(self._file, view) :]
        self._size += len(framed)
        self.last = record.sequence

    def _begin(self, sequence: int) -> None:
        if self._file >= 0:
            os.fdatasync(self._file)
            os.close(self._file)
            self._file = -1
        number = max((one.number for one in _segments(self._folder)), default=0) + 1
        path = os.path.join(self._folder, f"{number:016x}.seg")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | _FLAGS
        self._file = os.open(path, flags, self._mode)
        try:
            os.fchmod(self._file, self._mode)
            head = _MAGIC + f"{self._stream} {sequence:016x}\n".encode()
            self._size = os.write(self._file, head)
        except OSError:
            self._size = 0
        if self._size < _HEAD:
            os.unlink(path)  # else each try on a full disk leaves one more behind
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _give_up(self) -> None:
        """Forget the open segment after a failed write: what is in it is found out anew."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.last = 0
        try:
            self._resume()
        except OSError:
            self._file = -1

    def forget(self, taken: Mapping[str, int]) -> None:
        """Delete the segments that were taken as a whole: up to these numbers, by stream."""
        for segment in _segments(self._folder)[:-1]:
            if segment.stream and _scan(segment.path).last <= taken.get(segment.stream, -1):
                os.unlink(segment.path)

    def crowded(self, most_bytes: int, oldest: float) -> list[str]:
        """Name the oldest segments that are over a size in all or were last written before a time.

        Never the one that is being written.
        """
        segments = _segments(self._folder)
        room = sum(one.size for one in segments) - most_bytes
        found = []
        for segment in segments[:-1]:
            if room <= 0 and segment.changed >= oldest:
                break
            room -= segment.size
            found.append(segment.path)
        return found

    def give_up(self, path: str, taken: Mapping[str, int]) -> tuple[int, int, int]:
        """Delete a segment; give how many of its records nobody took, their first and last number.

        taken: up to which numbers records were taken, by stream.
        """
        stream = _head(path)[0]
        found = list(_records(path))
        os.unlink(path)
        numbers = [one.sequence for one in found if isinstance(one, Record)]
        numbers = [number for number in numbers if number > taken.get(stream, 0)]
        return len(numbers), min(numbers, default=0), max(numbers, default=0)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def streams(folder: str) -> list[str]:
    """Give the streams that are in a folder, the one that is being written last."""
    found = [segment.stream for segment in reversed(_segments(folder)) if segment.stream]
    return list(dict.fromkeys(found))[::-1]


def read(folder: str, stream: str, behind: int) -> Iterator[Record | Damage]:
    """Give the records of a stream behind a number, in order, and where one cannot go on.

    What is half written at the very end is no damage: it is read when it is whole. Raises OSError
    where this process lacks what it takes to read.
    """
    everything = _segments(folder)
    segments = [segment for segment in everything if segment.stream == stream]
    for segment, following in zip_longest(segments, segments[1:]):
        if following is not None and following.first <= behind + 1:
            continue
        for found in _records(segment.path):
            if isinstance(found, Record):
                if found.sequence > behind:
                    behind = found.sequence
                    yield found
            elif segment is not everything[-1] or not found.torn:
                yield Damage(segment.path, behind)


class _End(NamedTuple):
    """How a segment ends. torn: in the middle of a record that is not whole, not in garbage."""

    end: int
    torn: bool


class _Scanned(NamedTuple):
    last: int
    end: int
    torn: bool


def _scan(path: str) -> _Scanned:
    last, end, torn = 0, _HEAD, False
    for found in _records(path):
        if isinstance(found, Record):
            last, end = found.sequence, end + _FRAME.size + len(found.content)
        else:
            torn = found.torn
    return _Scanned(last, end, torn)


def _head(path: str) -> tuple[str, int]:
    """Give the stream and first number of a segment; "" for what is none or cannot be read."""
    try:
        head = _contents(path, _HEAD)
    except OSError as error:
        if error.errno in _PASSING:
            raise
        return "", 0
    found = _HEADING.fullmatch(head)
    return (found[1].decode(), int(found[2], 16)) if found else ("", 0)


def _records(path: str) -> Iterator[Record | _End]:
    """Give the records of one segment, and how it ends where that is not behind a whole one."""
    try:
        data = _contents(path, _SEGMENT + LONGEST + 2 * _FRAME.size)
    except FileNotFoundError:  # taken by all, or given up and told, since it was listed
        return
    except OSError as error:
        if error.errno in _PASSING:
            raise
        yield _End(0, torn=False)
        return
    at, last = _HEAD, 0
    while at < len(data):
        if at + _FRAME.size > len(data):
            yield _End(at, torn=True)
            return
        length, sequence, check = _FRAME.unpack_from(data, at)
        content = data[at + _FRAME.size : at + _FRAME.size + length]
        wrong = length > LONGEST or sequence <= last or len(content) < length
        if wrong or _check(length, sequence, content) != check:
            behind = at + _FRAME.size + (0 if length > LONGEST else length)
            # A power cut may leave zeros where the end of a record was to be.
            yield _End(at, torn=not any(data[behind:]))
            return
        yield Record(sequence, content)
        at, last = at + _FRAME.size + length, sequence


def _framed(record: Record) -> bytes:
    length = len(record.content)
    check = _check(length, record.sequence, record.content)
    return _FRAME.pack(length, record.sequence, check) + record.content


def _check(length: int, sequence: int, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(struct.pack(">IQ", length, sequence)))


def _contents(path: str, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    try:
        return os.pread(descriptor, most, 0)
    finally:
        os.close(descriptor)


def _segments(folder: str) -> list[_Segment]:
    """List the segments of a folder by number; what is named otherwise is none."""
    found: list[_Segment] = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        named = (entry for entry in entries if _NAMED.fullmatch(entry.name))
        for entry, _ in zip(named, range(_MOST_SEGMENTS), strict=False):
            with contextlib.suppress(FileNotFoundError):  # taken by all, and deleted since then
                found += _segment(entry)
    return sorted(found, key=lambda one: one.number)


def _segment(entry: os.DirEntry[str]) -> Iterator[_Segment]:
    if entry.is_file(follow_symlinks=False):
        status = entry.stat(follow_symlinks=False)
        number = int(entry.name.partition(".")[0], 16)
        head = _head(entry.path)
        yield _Segment(entry.path, number, status.st_size, status.st_mtime, *head)
