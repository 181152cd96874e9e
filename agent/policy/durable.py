"""Put a file in place whole, its content on the disk before its name is. EDGE."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BESIDE: Final = ".unfinished"
"""One a folder: what a crash leaves is written over by the next one."""
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_PAUSE: Final = 0.05


def put(path: Path, data: bytes) -> None:
    """Write a file and see it on the disk; one writer a folder; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / _BESIDE
    with open(os.open(beside, _WRITE, 0o666), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    _sync(path.parent)


def remove(path: Path) -> None:
    """Take a file away, if it is there; raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(folder: Path, patience: float) -> Iterator[bool]:
    """Hold the lock of a folder; give False where another one held it for so many seconds."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _locked(descriptor, time.monotonic() + patience)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, end: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(_PAUSE)
        else:
            return True
