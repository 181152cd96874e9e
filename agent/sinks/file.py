"""A file of JSON lines on this host, turned over when it is full. EDGE."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from agent import ocsf
from agent.sinks import Delivered, Retry, SinkError

if TYPE_CHECKING:
    from agent.sinks import Batch, Outcome

_MIB: Final = 1024 * 1024
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """path: the file, "" for events.jsonl in the courier's folder; keep: full ones beside it."""

    path: str = ""
    mib: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)] = 64
    keep: Annotated[int, msgspec.Meta(ge=1, le=100)] = 4


def open(settings: Settings, _name: str, state: Path) -> File:  # noqa: A001 - what every sink offers
    """Make the sink; raises SinkError where the file cannot be written."""
    path = Path(settings.path) if settings.path else state / "events.jsonl"
    if not path.is_absolute():
        raise SinkError(f"{path}: expected an absolute path")
    return File(path, settings)


class File:
    """The file."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Keep the path; it is opened for each batch, so that it may be moved away."""
        self._path, self._settings = path, settings

    def deliver(self, batch: Batch) -> Outcome:
        """Append the events, and see them on the disk; what was half written is taken back."""
        lines = b"".join(ocsf.line(event, batch.host) for event in batch.events)
        try:
            with contextlib.suppress(FileNotFoundError):
                if os.lstat(self._path).st_size > self._settings.mib * _MIB:
                    self._turn()
            descriptor = os.open(self._path, _FLAGS, 0o640)
            try:
                _append(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError as error:
            return Retry(f"{self._path}: {error.strerror or 'not a regular file'}")
        return Delivered()

    def _turn(self) -> None:
        """Put the full file aside as .1, the one before as .2, and so on."""
        for number in range(self._settings.keep, 0, -1):
            before = f"{self._path}.{number - 1}" if number > 1 else str(self._path)
            with contextlib.suppress(FileNotFoundError):
                os.replace(before, f"{self._path}.{number}")

    def close(self) -> None:
        """Nothing is kept open."""


def _append(descriptor: int, lines: bytes) -> None:
    """Write all or nothing; raises OSError."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("not a regular file")
    size = status.st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        lines = b"\n" + lines  # a line that a crash cut off must not spoil the next one
    try:
        view = memoryview(lines)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fdatasync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
