"""Look at a managed path: what is there, without following a link that is put there. EDGE."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

from checks import files
from checks.managed.facts import FILE, FOLDER, LINK, NOTHING, Seen
from checks.managed.wanted import LARGEST
from checks.model import Inconclusive

if TYPE_CHECKING:
    from checks.files import Opened

_HASHED: Final = 256 * 1024 * 1024
"""Bytes of a file that only its hash is known of."""
_MOST: Final = 10_000
_CHUNK: Final = 1 << 20


def look(path: str) -> Seen | Inconclusive:
    """Look at a path; Inconclusive where it cannot be looked at, or changes all the time."""
    try:
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode):
            return _file(path)
        seen = _plain(status)
        if stat.S_ISLNK(status.st_mode):
            return seen._replace(kind=LINK, target=os.readlink(path))
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(path) as entries:
                names = sorted(one.name for one, _ in zip(entries, range(_MOST), strict=False))
            return seen._replace(kind=FOLDER, names=tuple(names))
    except FileNotFoundError:
        return Seen(NOTHING)
    except OSError as error:
        return files.unseen(path, error)
    return seen


def _plain(status: os.stat_result) -> Seen:
    return Seen(
        "special",
        files.access(status),
        changed=status.st_ctime,
        number=(status.st_dev, status.st_ino),
        links=status.st_nlink,
    )


def _file(path: str) -> Seen | Inconclusive:
    opened = files.open_file(path)
    if isinstance(opened, Inconclusive):
        return opened
    if not isinstance(opened, files.Opened):
        return Inconclusive(path, "changed while being read", opened.kind)
    try:
        return of(opened)
    finally:
        os.close(opened.descriptor)


def of(opened: Opened) -> Seen | Inconclusive:
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
