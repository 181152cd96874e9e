"""Open a folder that nobody but root and this user can change, step by step. EDGE.

Each step is opened from the one before, without following a link, and believed only as it is when
it is open: whoever may write to none of them cannot put another folder in the place of one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
"""With an access control list, the bits of the group are its mask: what it gives at the most."""


class FolderError(HygieneError):
    """A folder that is not there, or that others could change."""


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """Give a descriptor of a folder to begin paths with (O_PATH), and close it afterwards.

    Raises FolderError. Above the folder, one that others may write to is good if it is sticky:
    there nobody can rename or remove what is another's.
    """
    names = [name for name in path.split("/") if name not in {"", "."}]
    if not path.startswith("/") or ".." in names:
        raise FolderError(f"{printable(path)}: expected an absolute path without ..")
    with contextlib.ExitStack() as stack:
        at, where = _opened("/", None, "/"), ""
        stack.callback(os.close, at)
        _believe(at, "/", last=not names)
        for left, name in zip(reversed(range(len(names))), names, strict=True):
            where = f"{where}/{name}"
            at = _opened(name, at, where)
            stack.callback(os.close, at)
            _believe(at, where, last=not left)
        yield at


def _opened(name: str, above: int | None, where: str) -> int:
    try:
        return os.open(name, _STEP, dir_fd=above)
    except NotADirectoryError:
        raise FolderError(f"{printable(where)}: is a link, or no folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise FolderError(f"{printable(where)}: {reason}") from None


def _believe(folder: int, where: str, *, last: bool) -> None:
    """Raise FolderError for a folder in which others could put one thing for another."""
    status = os.fstat(folder)
    if status.st_uid not in {0, os.geteuid()}:
        raise FolderError(f"{printable(where)}: belongs to user {status.st_uid}")
    sticky = status.st_mode & stat.S_ISVTX and not last
    if status.st_mode & _OTHERS and not sticky:
        raise FolderError(f"{printable(where)}: others can write to it")
