"""Open and read files with limits. EDGE.

Links are not followed; devices, FIFOs and sockets are never opened; what cannot be read is told
apart from what need not be.
"""

from __future__ import annotations

import errno
import grp
import io
import os
import pwd
import stat
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from checks.model import Access, Inconclusive
from checks.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
CHUNK: Final = 8 * 1024 * 1024
"""A file up to this size is read at once; a larger one in pieces of this size."""
OVERLAP: Final = 16 * 1024

_KINDS: Final = (
    (stat.S_ISLNK, "link"),
    (stat.S_ISFIFO, "fifo"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


class NotApplicable(NamedTuple):
    """Something in the tree that has no content to look at; kind: link, fifo, socket, device..."""

    path: str
    kind: str


class Opened(NamedTuple):
    """An open regular file; the caller closes the descriptor.

    start: where in what is open the file begins, for one that lies inside another as it is.
    """

    path: str
    descriptor: int
    status: os.stat_result
    start: int = 0


def unseen(path: str, error: OSError) -> Inconclusive:
    """Say why a path could not be looked at."""
    return Inconclusive(path, *_why(error))


def _why(error: OSError) -> tuple[str, str]:
    """Give reason and detail for an error: the reason groups, the detail names the errno."""
    reasons = {
        errno.EACCES: "permission denied",
        errno.EPERM: "permission denied",
        errno.ENOENT: "not found",
        errno.ENOTDIR: "not found",
        errno.ELOOP: "too many links",
        errno.ENAMETOOLONG: "name too long",
    }
    number = error.errno or 0
    return reasons.get(number, "cannot be read"), errno.errorcode.get(number, "")


def open_file(path: str) -> Opened | NotApplicable | Inconclusive:
    """Open a regular file without following a link, blocking or changing anything."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return NotApplicable(path, "vanished")
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            return NotApplicable(path, "link" if error.errno == errno.ELOOP else "socket")
        return unseen(path, error)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return NotApplicable(path, kind(status.st_mode))
    return Opened(path, descriptor, status)


def kind(mode: int) -> str:
    """Name what is no regular file by its mode."""
    return next((name for test, name in _KINDS if test(mode)), "special")


def numbered(status: os.stat_result) -> Access:
    """Give who may read a file of another system, whose names for its numbers nobody knows."""
    return Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def access(status: os.stat_result) -> Access:
    """Give who may read a file, by number and by this host's name for it."""
    return _access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


@lru_cache(maxsize=1024)
def _access(uid: int, gid: int, mode: int) -> Access:
    return Access(uid, gid, mode, _user(uid), _group(gid))


@lru_cache(maxsize=1024)
def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


@lru_cache(maxsize=1024)
def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""


def source(file: Opened) -> BinaryIO:
    """Give a file as an object that archives are read from; closing it closes no descriptor."""
    if not file.start:
        return open(file.descriptor, "rb", closefd=False)
    return io.BufferedReader(Window(file.descriptor, file.start, file.status.st_size))


class Piece(NamedTuple):
    """Part of a file; its first `overlap` bytes ended the piece before, `line` is its first."""

    data: bytes
    overlap: int
    line: int


def pieces(file: Opened) -> Iterator[Piece | Inconclusive]:
    """Give a file's data in pieces that overlap; holes of sparse files are passed over.

    Ends with an Inconclusive when the file was cut or could not be read to its end.
    """
    offset, line, tail, size = 0, 1, b"", file.status.st_size
    try:
        while offset < size:
            start, stop = _extent(file, offset, size)
            if start > offset:
                line += tail.count(b"\n")
                offset, tail = start, b""
            data = os.pread(file.descriptor, min(CHUNK, stop - start), file.start + start)
            if not data:
                if os.fstat(file.descriptor).st_size < file.start + size:
                    yield Inconclusive(file.path, "changed while being read", "shrank")
                return
            if len(data) == CHUNK:
                data = data[: end_of_line(data)]
            piece = Piece(tail + data, len(tail), line)
            yield piece
            offset += len(data)
            tail = data[-OVERLAP:]
            line += piece.data.count(b"\n", 0, len(piece.data) - len(tail))
    except OSError as error:
        yield unseen(file.path, error)


def end_of_line(data: bytes) -> int:
    """Say where a piece ends so that it parts no value: behind a line or, if it is long, a word.

    Rounded up to whole characters of UTF-32, so that the next piece begins with one.
    """
    for mark in (b"\n", b"\0", b" ", b","):
        found = data.rfind(mark, max(0, len(data) - OVERLAP)) + 1
        if found:
            return found + -found % 4
    return len(data)


def _extent(file: Opened, offset: int, size: int) -> tuple[int, int]:
    """Give where the next data begins and ends; SIZE twice when only a hole is left."""
    try:
        start = os.lseek(file.descriptor, file.start + offset, os.SEEK_DATA)
        stop = os.lseek(file.descriptor, start, os.SEEK_HOLE)
        return min(start - file.start, size), min(stop - file.start, size)
    except OSError as error:
        return (size, size) if error.errno == errno.ENXIO else (offset, size)


def whole(file: Opened) -> bytes | Inconclusive:
    """Read a file of at most CHUNK bytes as it is now; one that shrinks is read once more.

    One that grows is read to its end, but no further than about twice CHUNK.
    """
    size = file.status.st_size
    try:
        if file.start:
            return _inside(file, size)
        for _ in range(2):
            data = os.pread(file.descriptor, size + 1, 0)
            if len(data) > size:
                return _grown(file, data)
            if len(data) == size:
                return data
            size = os.fstat(file.descriptor).st_size
    except OSError as error:
        return unseen(file.path, error)
    return Inconclusive(file.path, "changed while being read", "shrank")


def _inside(file: Opened, size: int) -> bytes | Inconclusive:
    """Read a file that lies in another, behind which that goes on."""
    data = os.pread(file.descriptor, size, file.start)
    if len(data) == size:
        return data
    return Inconclusive(file.path, "changed while being read", "shrank")


def _grown(file: Opened, begun: bytes) -> bytes | Inconclusive:
    """Read on: the file grew, or its file system gives no sizes, as /proc and some of FUSE."""
    parts, size = [begun], len(begun)
    while size <= CHUNK:
        part = os.pread(file.descriptor, CHUNK, size)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return Inconclusive(file.path, "changed while being read", "grew")
