"""Look at a managed path: what is there, without following a link there or on the way. EDGE.

A user to whom a folder on the way belongs could lead elsewhere by one, to what only root may see.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from typing import Final

from checks import files
from checks.files import Opened
from checks.managed.facts import FILE, FOLDER, LINK, NOTHING, Seen
from checks.managed.wanted import LARGEST
from checks.model import Inconclusive
from checks.printable import printable

_HASHED: Final = 256 * 1024 * 1024
"""Bytes of a file that only its hash is known of."""
_MOST: Final = 10_000
_CHUNK: Final = 1 << 20
_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_STEP: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def look(path: str) -> Seen | Inconclusive:
    """Look at a path; Inconclusive where it cannot be looked at, or changes all the time."""
    with contextlib.ExitStack() as stack:
        try:
            folder = _folder(path, stack)
            return folder if isinstance(folder, Inconclusive) else _look(path, folder)
        except FileNotFoundError:
            return Seen(NOTHING)
        except OSError as error:
            return files.unseen(path, error)


def _folder(path: str, stack: contextlib.ExitStack) -> int | Inconclusive:
    """Open the folder of a path, step by step, until the stack ends; raises OSError."""
    folder = os.open("/", _STEP)
    stack.callback(os.close, folder)
    for name in filter(None, os.path.dirname(path).split("/")):
        above = folder
        try:
            folder = os.open(name, _STEP, dir_fd=above)
        except NotADirectoryError:
            if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
                return Inconclusive(path, "a link on the way", printable(name))
            raise
        stack.callback(os.close, folder)
    return folder


def _look(path: str, folder: int) -> Seen | Inconclusive:
    name = os.path.basename(path)
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISREG(status.st_mode):
        return _file(path, folder)
    seen = _plain(status)
    if stat.S_ISLNK(status.st_mode):
        return seen._replace(kind=LINK, target=os.readlink(name, dir_fd=folder))
    if not stat.S_ISDIR(status.st_mode):
        return seen
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _SAFELY, dir_fd=folder)
    try:
        with os.scandir(inner) as entries:
            names = sorted(one.name for one, _ in zip(entries, range(_MOST), strict=False))
    finally:
        os.close(inner)
    return seen._replace(kind=FOLDER, names=tuple(names))


def _plain(status: os.stat_result) -> Seen:
    return Seen("special", files.access(status), changed=status.st_ctime)


def _file(path: str, folder: int) -> Seen | Inconclusive:
    descriptor = os.open(os.path.basename(path), os.O_RDONLY | _SAFELY, dir_fd=folder)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Inconclusive(path, "changed while being read")
        return _of(Opened(path, descriptor, status))
    finally:
        os.close(descriptor)


def _of(opened: Opened) -> Seen | Inconclusive:
    """Give what an open regular file is."""
    if opened.status.st_size > _HASHED:
        return Inconclusive(opened.path, "too large", str(opened.status.st_size))
    hashed, kept, size = hashlib.sha256(), bytearray(), 0
    try:
        while data := os.pread(opened.descriptor, _CHUNK, size):
            hashed.update(data)
            size += len(data)
            if size <= LARGEST:
                kept += data
            if size > _HASHED:
                return Inconclusive(opened.path, "changed while being read", "grew")
        status = os.fstat(opened.descriptor)
    except OSError as error:
        return files.unseen(opened.path, error)
    content = bytes(kept) if size <= LARGEST else None
    return _plain(status)._replace(kind=FILE, sha256=hashed.hexdigest(), content=content)
