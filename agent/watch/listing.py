"""List a folder in parts, as it is and nowhere else. EDGE.

A folder may hold millions of names, so no more than some are kept at once. It may also be replaced
by a link while its path is on its way here: what is listed is what bears the path itself.
"""

from __future__ import annotations

import errno
import os
import stat
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.watch.index import Stamp, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
MOST: Final = 1000
"""Names in a part."""


class Part(NamedTuple):
    """Some of what is in a folder, by name. files: with their stamps, None where it is not known.

    last: there is no more.
    """

    folders: list[str]
    links: list[str]
    files: dict[str, Stamp | None]
    last: bool


def parts(opened: str, real: str, most: int = MOST) -> Iterator[Part]:
    """List a folder. opened: how it is opened; real: where it has to be, else it is not there.

    Raises OSError.
    """
    descriptor = os.open(opened, _FLAGS)
    try:
        if not stands(descriptor, real):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        with os.scandir(descriptor) as entries:
            last = False
            while not last:
                some = list(islice(entries, most))
                last = len(some) < most
                yield _part(some, last=last)
    finally:
        os.close(descriptor)


def stands(descriptor: int, real: str) -> bool:
    """Say whether an open file or folder is the one at a path without links.

    What is opened by a path may be somewhere else, when a folder on the way became a link.
    """
    try:
        if os.readlink(f"/proc/self/fd/{descriptor}") == real:
            return True
    except OSError:
        pass  # no /proc here
    try:  # a file system may spell it otherwise
        same = os.path.samestat(os.fstat(descriptor), os.lstat(real))
        return same and os.path.realpath(real) == real
    except OSError:
        return False


def _part(entries: list[os.DirEntry[str]], *, last: bool) -> Part:
    part = Part([], [], {}, last)
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                part.folders.append(entry.name)
            elif entry.is_symlink():
                part.links.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                part.files[entry.name] = stamp(status) if stat.S_ISREG(status.st_mode) else None
        except OSError:
            part.files[entry.name] = None  # gone again, or strange: looking at it will tell
    return part
