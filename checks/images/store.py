"""Find the files of an image by their names, in a folder or in a tar archive. EDGE.

Names lead nowhere else: in a folder each part of a name is opened from the one before, without
following links; in an archive a link leads to another of its members at most.
"""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self

from checks.errors import FormatError, HygieneError, ImageError
from checks.images import names
from checks.unpack import tars
from checks.unpack.kinds import COMPRESSED, HEAD, kind
from checks.unpack.limits import Budget, Limits, Meter
from checks.unpack.streams import Raw
from checks.window import Window

if TYPE_CHECKING:
    from types import TracebackType

DOCUMENT: Final = 8 * 1024 * 1024
"""Bytes; manifests are limited to 4 MiB by registries."""
_MEMBERS: Final = 10_000
_LINKS: Final = 8
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Blob(NamedTuple):
    """Where a file of the image lies."""

    descriptor: int
    start: int
    size: int

    def raw(self) -> Raw:
        """Give its bytes as a stream."""
        window = Window(self.descriptor, self.start, self.size)
        return Raw(io.BufferedReader(window))


class Store(Protocol):
    """The files of an image."""

    @property
    def doubtful(self) -> frozenset[str]:
        """Give the names that several files have."""

    def blob(self, name: str) -> Blob | None:
        """Give a file, None where there is none; raises OSError."""


def read(store: Store, name: str) -> bytes | None:
    """Give a document, None where there is none; raises ImageError for one that is no document."""
    blob = store.blob(name)
    if blob is None:
        return None
    if blob.size > DOCUMENT:
        raise ImageError(f"{name}: larger than {DOCUMENT >> 20} MiB")
    if names.normal(name) in store.doubtful:
        raise ImageError(f"{name}: there are several of this name")
    data = os.pread(blob.descriptor, blob.size, blob.start)
    if len(data) != blob.size:
        raise ImageError(f"{name}: truncated")
    return data


class Folder:
    """An image in a folder; closed with the folder's descriptor and all that it opened."""

    doubtful: frozenset[str] = frozenset()

    def __init__(self, descriptor: int) -> None:
        """Take the folder's descriptor."""
        self._descriptor = descriptor
        self._open: dict[str, Blob | None] = {}

    def blob(self, name: str) -> Blob | None:
        """Open a file by its name, once; raises OSError."""
        path = names.normal(name)
        if path not in self._open:
            self._open[path] = self._opened(path.lstrip("/").split("/"))
        return self._open[path]

    def _opened(self, parts: list[str]) -> Blob | None:
        above, own = self._descriptor, []
        try:
            for part in parts[:-1]:
                above = os.open(part, _FLAGS | os.O_DIRECTORY, dir_fd=above)
                own.append(above)
            descriptor = os.open(parts[-1], _FLAGS, dir_fd=above)
        except FileNotFoundError:
            return None
        finally:
            for one in own:
                os.close(one)
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            return Blob(descriptor, 0, status.st_size)
        os.close(descriptor)
        return None

    def close(self) -> None:
        """Close everything."""
        for blob in filter(None, self._open.values()):
            os.close(blob.descriptor)
        os.close(self._descriptor)


class Archive:
    """An image in a tar archive, of which only the headers were read."""

    def __init__(self, descriptor: int) -> None:
        """Read the headers; raises ImageError for what is no such archive."""
        self._descriptor = descriptor
        self._found: dict[str, Blob | str] = {}
        doubtful: set[str] = set()
        whole = Blob(descriptor, 0, os.fstat(descriptor).st_size).raw()
        this = kind(whole.peek(HEAD), "")
        if this in COMPRESSED:
            raise ImageError(f"a compressed archive ({this}): its layers may be, itself it may not")
        try:
            self._index(whole, doubtful)
        except HygieneError as error:
            raise ImageError(f"not an image archive: {error}") from error
        self.doubtful = frozenset(doubtful)

    def _index(self, whole: Raw, doubtful: set[str]) -> None:
        for entry in tars.entries(whole, Meter(Limits(members=_MEMBERS), Budget())):
            path = names.normal(entry.item.name)
            if entry.kind == "file" and entry.item.body is None:
                raise FormatError(entry.item.problem)
            if entry.kind not in {"file", "link", "symlink"}:
                continue
            if path in self._found:
                doubtful.add(path)
            if entry.kind == "file":
                self._found[path] = Blob(self._descriptor, whole.position, entry.item.size)
            else:
                base = path.rpartition("/")[0] if entry.kind == "symlink" else ""
                self._found[path] = names.normal(f"{base}/{entry.target}")

    def blob(self, name: str) -> Blob | None:
        """Give a member; of a link what it leads to."""
        path = names.normal(name)
        for _ in range(_LINKS):
            found = self._found.get(path)
            if not isinstance(found, str):
                return found
            path = found
        return None

    def close(self) -> None:
        """Close the archive."""
        os.close(self._descriptor)


class Image:
    """An image on the disk, to be used in a `with`."""

    def __init__(self, path: str) -> None:
        """Open a folder or an archive; raises OSError or ImageError."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            self.store = _store(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def __enter__(self) -> Self:
        """Give the image itself."""
        return self

    def __exit__(
        self,
        kind_: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.store.close()


def _store(descriptor: int) -> Folder | Archive:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        return Folder(descriptor)
    if stat.S_ISREG(mode):
        return Archive(descriptor)
    raise ImageError("not a file or a folder")
