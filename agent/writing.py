"""Write a file whole or not at all, so that who reads at any time never sees half of it. EDGE."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final, TextIO

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_PERMISSIONS: Final = 0o777
_CHUNK: Final = 1 << 20


class OutputError(HygieneError):
    """A report that could not be written."""


def write(output: Path, chunks: Iterable[str]) -> None:
    """Replace a file by CHUNKS, UTF-8, in one step; raises OutputError, also for a link.

    The new text is written beside the old one under another name and renamed. What is no regular
    file (a pipe, a device) is written to as it is; links are followed only below /dev, where
    nobody else lays one.
    """
    try:
        if _is_replaceable(output):
            _replace(output, chunks)
        else:
            _pour(output, chunks)
    except OSError as error:
        raise OutputError(f"{output}: {error.strerror}") from error


def _is_replaceable(output: Path) -> bool:
    """Say whether a regular file is there, or nothing, in a folder that takes another name."""
    if output.is_relative_to("/dev"):
        return False
    try:
        mode = os.lstat(output).st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISLNK(mode):
        raise OutputError(f"{output}: is a link")
    return stat.S_ISREG(mode) and os.access(output.parent, os.W_OK | os.X_OK)


def _replace(output: Path, chunks: Iterable[str]) -> None:
    # The name ends unlike anything that collectors of files look for.
    beside = output.parent / f".hygiene-agent-{secrets.token_hex(8)}.tmp"
    try:
        with _opened(os.open(beside, _CREATE | os.O_EXCL, 0o666)) as file:
            _keep_permissions(file, output)
            file.writelines(chunks)
        _rename(beside, output)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _keep_permissions(file: TextIO, output: Path) -> None:
    """Let a file of ours keep who may read it; another user's gives nothing to a new one."""
    with contextlib.suppress(FileNotFoundError):
        known = os.lstat(output)
        if known.st_uid == os.geteuid():
            os.fchmod(file.fileno(), known.st_mode & _PERMISSIONS)


def _rename(beside: Path, output: Path) -> None:
    try:
        os.replace(beside, output)
    except OSError as error:
        if error.errno != errno.EBUSY:  # a single file that a container mounts
            raise
        with open(beside, "rb") as source, open(_to(output), "wb") as target:
            while data := source.read(_CHUNK):
                target.write(data)
        os.unlink(beside)


def _pour(output: Path, chunks: Iterable[str]) -> None:
    with _opened(_to(output)) as file:
        file.writelines(chunks)


def _to(output: Path) -> int:
    flags = _CREATE | os.O_TRUNC
    if output.is_relative_to("/dev"):
        flags &= ~os.O_NOFOLLOW
    return os.open(output, flags, 0o666)


def _opened(descriptor: int) -> TextIO:
    # Hostile names are escaped by each form; what is left is for programs that read our files.
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="\n")
