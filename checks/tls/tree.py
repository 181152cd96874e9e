"""Read a server's files below a root that no path and no link leads out of. EDGE.

The root is a live host's "/" or an unpacked image. Each name on the way is opened from the folder
before it, without following; a link is read and walked from the root, as chroot(2) would have it.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import re
import stat
from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from checks.lazy import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

SIZE: Final = 4 * 1024 * 1024
"""Bytes; a larger file is no server configuration."""
FILES: Final = 2_000
"""A tree opens no more files than these."""
_ENTRIES: Final = 100_000
"""Names in folders that the patterns of one tree may look at."""
_FOLDER: Final = 16
"""Names that opening a folder counts as."""
_LINKS: Final = 40
"""As many as the kernel follows."""
_STEPS: Final = 4_096
"""Names on the way to one file, those that links add included."""
_LISTED: Final = 20
_FLAGS: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MAGIC: Final = regex(r"[*?\[]")


class _Step(NamedTuple):
    """A folder or file on the way: its descriptor (O_PATH), and its name in the one before."""

    place: int
    name: str


class Held(NamedTuple):
    """A regular file: its status, and its bytes, None where they may not be read."""

    status: os.stat_result
    data: bytes | None


class Named(ABC):
    """Files that are found by patterns on their paths and read as text."""

    def read(self, path: str) -> str | None:
        """Give the text of a regular file, bytes that are not UTF-8 as Latin-1; None without it."""
        held = self.held(path)
        if held is None or held.data is None:
            return None
        try:
            return held.data.decode()
        except UnicodeDecodeError:
            return held.data.decode("latin-1")

    def glob(self, pattern: str) -> Sequence[str]:
        """Name the paths that fit, sorted by code point; a wildcard matches no leading dot."""
        found = ["/"]
        for part in pattern.split("/"):
            if part and found:
                found = self._fitting(found, part)
        return () if found == ["/"] else tuple(found)

    def _fitting(self, folders: list[str], part: str) -> list[str]:
        if not _MAGIC.search(part):
            return [path for folder in folders if self._is_there(path := _join(folder, part))]
        fits = _pattern(part)
        dots = part.startswith(".")
        return [
            _join(folder, name)
            for folder in folders
            for name in self._names(folder)
            if (dots or not name.startswith(".")) and fits.match(name)
        ]

    @property
    @abstractmethod
    def unseen(self) -> tuple[str, ...]:
        """Tell what is there and was not read; a file that is not there is no gap."""

    @abstractmethod
    def held(self, path: str) -> Held | None:
        """Give a regular file with its owner and mode, also where only those may be seen."""

    @abstractmethod
    def _is_there(self, path: str) -> bool:
        """Say whether a path leads to anything."""

    @abstractmethod
    def _names(self, folder: str) -> list[str]:
        """Name what is in a folder, sorted; nothing where there is none."""


class RootTree(Named):
    """The files below a folder, named as those see them who live in it.

    A context manager; after it nothing can be read. `unseen` tells what is there and was not read;
    a file that is not there is no gap.
    """

    def __init__(self, root: str = "/", *, files: int = FILES, size: int = SIZE) -> None:
        """Open the root; raises OSError where that cannot be done."""
        self._root = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._files = files
        self._size = size
        self._entries = _ENTRIES
        self._seen: set[str] = set()
        self._gaps: dict[str, None] = {}

    def __enter__(self) -> Self:
        """Give the tree itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the root."""
        os.close(self._root)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Tell what could not be read, and why; at most a few of each run."""
        return tuple(self._gaps)

    def held(self, path: str) -> Held | None:
        """Give a regular file with its owner and mode, also where only those may be seen."""
        if path not in self._seen and len(self._seen) >= self._files:
            self._miss(f"more than {self._files} files")
            return None
        self._seen.add(path)
        found: Held | None = None
        try:
            with self._walked(path) as trail:
                found = Held(_regular(trail[-1].place), None)
                return self._opened(trail)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                self._miss(f"{path}: {_why(error)}")
            return found

    def _is_there(self, path: str) -> bool:
        try:
            with self._walked(path):
                return True
        except OSError:
            return False

    def _names(self, folder: str) -> list[str]:
        names: list[str] = []
        self._entries -= _FOLDER
        if self._entries <= 0:
            self._miss(f"more than {_ENTRIES} names in folders")
            return names
        try:
            with self._walked(folder) as trail:
                inside = os.open(".", os.O_RDONLY | os.O_DIRECTORY | _FLAGS, dir_fd=trail[-1].place)
                try:
                    with os.scandir(inside) as entries:
                        names.extend(entry.name for entry in self._counted(entries))
                finally:
                    os.close(inside)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR}:
                self._miss(f"{folder}: {_why(error)}")
        if self._entries <= 0:
            self._miss(f"more than {_ENTRIES} names in folders")
        return sorted(names)

    def _counted(self, entries: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
        for entry in entries:
            if self._entries <= 0:
                return
            self._entries -= 1
            yield entry

    def _opened(self, trail: list[_Step]) -> Held:
        descriptor = os.open(trail[-1].name, os.O_RDONLY | _FLAGS, dir_fd=trail[-2].place)
        with open(descriptor, "rb") as file:
            status = _regular(descriptor)
            data = file.read(self._size + 1)
        if len(data) > self._size:
            raise OSError(errno.EFBIG, "too large")
        return Held(status, data)

    @contextlib.contextmanager
    def _walked(self, path: str) -> Iterator[list[_Step]]:
        """Give the way to what a path leads to, the root first; raises OSError."""
        trail = [_Step(self._root, "")]
        try:
            self._walk(trail, path)
            yield trail
        finally:
            _close(trail)

    def _walk(self, trail: list[_Step], path: str) -> None:
        if "\0" in path:
            raise OSError(errno.ENOENT, "no such name")
        todo = path.split("/")[::-1]
        links = 0
        for _ in range(_STEPS):
            if not todo:
                return
            part = todo.pop()
            if part in {"", ".", ".."}:
                _must_be_folder(trail[-1].place)
                _close(trail, len(trail) - (part == ".."))
            else:
                target = _go(trail, part)
                if target is None:
                    continue
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, "too many links")
                if target.startswith("/"):
                    _close(trail)
                todo += target.split("/")[::-1]
        raise OSError(errno.ENAMETOOLONG, "too many names")

    def _miss(self, what: str) -> None:
        if len(self._gaps) < _LISTED:
            self._gaps[what] = None
        elif what not in self._gaps:
            self._gaps["more than can be told"] = None


def _go(trail: list[_Step], part: str) -> str | None:
    """Go into a folder or to a file; of a link give the target instead and stay."""
    place = os.open(part, os.O_PATH | _FLAGS, dir_fd=trail[-1].place)
    if not stat.S_ISLNK(os.fstat(place).st_mode):
        trail.append(_Step(place, part))
        return None
    try:
        return os.readlink("", dir_fd=place)
    finally:
        os.close(place)


def _close(trail: list[_Step], keep: int = 1) -> None:
    """Close what lies behind the first few of a trail; its root stays."""
    while len(trail) > max(keep, 1):
        os.close(trail.pop().place)


def _must_be_folder(descriptor: int) -> None:
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise OSError(errno.ENOTDIR, "not a folder")


def _regular(descriptor: int) -> os.stat_result:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return status


def _why(error: OSError) -> str:
    return (error.strerror or "cannot be read").lower()


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


@lru_cache(maxsize=256)
def _pattern(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part.replace("[^", "[!")))
