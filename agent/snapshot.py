"""One value that one process publishes and others read, whole or not at all. EDGE.

Readers treat the file as hostile: it is taken only as a regular file within its limit whose digest
is right and whose content has the type that was asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import msgspec

from agent import packing
from checks.errors import HygieneError

if TYPE_CHECKING:
    from pathlib import Path

_T = TypeVar("_T")
Mark: TypeAlias = tuple[int, int, int]
_DIGEST: Final = 32
MOST: Final = 64 * 1024 * 1024
"""Bytes of the largest snapshot that is read."""


class SnapshotError(HygieneError):
    """A snapshot that could not be written; the one before is still there."""


def write(path: Path, value: msgspec.Struct, *, mode: int = 0o640, durable: bool = False) -> None:
    """Put a value in the place of the one before; raises SnapshotError.

    durable: it is on the disk before the one before is gone.
    """
    content = packing.pack(value)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, mode), "wb") as file:
            file.write(hashlib.sha256(content).digest() + content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def mark(path: Path) -> Mark | None:
    """Tell what is published now from what was before, without reading it; None for nothing."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def read(path: Path, kind: type[_T], *, most: int = MOST) -> _T | None:
    """Give the value that was published last; None where there is none that can be believed."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError, RecursionError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(most + 1)
        digest, content = data[:_DIGEST], data[_DIGEST:]
        if len(data) <= most and hashlib.sha256(content).digest() == digest:
            return packing.unpack(content, kind)
    return None
