"""A store in one file: a tar archive that was carried to a host or build without a store. EDGE.

It is looked through for each file: nothing is unpacked, and no name in it is used as a path.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

from agent.stores import AbsentError, AwayError, TooLongError, checked
from agent.stores.file import local
from checks.errors import HygieneError
from checks.unpack import tars
from checks.unpack.limits import Budget, Limits, Meter
from checks.unpack.streams import Raw

if TYPE_CHECKING:
    from agent.settings import StoreSettings

_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_LARGEST: Final = 256 * 1024 * 1024


def open(settings: StoreSettings) -> Bundle:  # noqa: A001 - what every store offers
    """Make the store of "bundle:///FILE"; raises StoreError."""
    return Bundle(local(settings.url))


class Bundle:
    """The archive."""

    date: float | None = None
    """It has no clock."""

    def __init__(self, path: str) -> None:
        """Keep where it is; it is opened for each file."""
        self._path = path

    def fetch(self, name: str, most: int) -> bytes:
        """Give a file's content; raises StoreError."""
        checked(name)
        try:
            with os.fdopen(os.open(self._path, _FLAGS), "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
                    raise AwayError(f"{self._path}: not a file of {_LARGEST} bytes at the most")
                found = _found(file, name, most)
        except OSError as error:
            raise AwayError(f"{self._path}: {error.strerror}") from error
        if found is None:
            raise AbsentError(f"{name}: not in the bundle")
        if len(found) > most:
            raise TooLongError(f"{name}: more than {most} bytes")
        return found

    def close(self) -> None:
        """Nothing is kept open."""


def _found(file: BinaryIO, name: str, most: int) -> bytes | None:
    """Give the first file of this name, cut behind MOST bytes; raises OSError or AwayError."""
    try:
        for item in tars.items(Raw(file), Meter(Limits(), Budget())):
            if item.name.removeprefix("./") == name and item.body is not None:
                return item.body.exactly(min(item.size, most + 1))
    except HygieneError as error:
        raise AwayError(f"the bundle is damaged: {error}") from error
    return None
