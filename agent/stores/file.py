"""A folder of this host, such as a mounted share or a copy that somebody brought. EDGE.

What is read is a regular file below the folder, reached without any link. Whoever can write there
can lie, as with every store.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from agent.stores import AbsentError, AwayError, StoreError, TooLongError, checked

if TYPE_CHECKING:
    from agent.settings import StoreSettings

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open(settings: StoreSettings) -> File:  # noqa: A001 - what every store offers
    """Make the store of "file:///FOLDER"; raises StoreError."""
    return File(local(settings.url))


def local(url: str) -> str:
    """Give the path that a URL of this host names; raises StoreError."""
    split = urlsplit(url)
    path = unquote(split.path)
    if split.netloc not in {"", "localhost"} or not path.startswith("/") or "\0" in path:
        raise StoreError("store.url: expected a path of this host, as in file:///srv/policy")
    if split.query or split.fragment:
        raise StoreError("store.url: expected nothing behind the path")
    return path


class File:
    """The folder."""

    date: float | None = None
    """A folder has no clock but this host's."""

    def __init__(self, folder: str) -> None:
        """Keep where it is; it is opened for each file, so that it may be mounted anew."""
        self._folder = folder

    def fetch(self, name: str, most: int) -> bytes:
        """Give a file's content; raises StoreError."""
        parts = checked(name).split("/")
        try:
            descriptor = os.open(self._folder, _FOLDER)
        except OSError as error:
            raise AwayError(f"{self._folder}: {error.strerror}") from error
        try:
            for part in parts[:-1]:
                descriptor = _stepped(descriptor, part)
            return _read(descriptor, parts[-1], most)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise AbsentError(f"{name}: {error.strerror}") from error
        except OSError as error:
            raise AwayError(f"{name}: {error.strerror or error}") from error
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Nothing is kept open."""


def _stepped(folder: int, part: str) -> int:
    """Open a folder in a folder, and close that; where it raises OSError, that is still open."""
    inner = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    os.close(folder)
    return inner


def _read(folder: int, part: str, most: int) -> bytes:
    """Give the content of a regular file; raises OSError or TooLongError."""
    with os.fdopen(os.open(part, _FILE, dir_fd=folder), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise TooLongError(f"{part}: more than {most} bytes")
    return data
