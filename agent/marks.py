"""Know which of some paths changed and have come to rest since, by looking again. EDGE.

A few hundred paths cost some 0.1 % of a core at four looks a second, and nothing is missed by it:
no folder that was replaced, no file system that tells no events.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_REST: Final = 0.15
"""Seconds without a change after which a path is at rest: who edits may write in several steps."""
_LONGEST: Final = 3.0
"""Seconds after which a path that changes all the time is given nevertheless."""
_LOOK: Final = 0.2
_SHARE: Final = 500e-6
"""Seconds between two looks for each path: some 0.5 % of a core for very many."""


class Marks:
    """Some paths, and how they were when they were looked at last."""

    def __init__(self, paths: Iterable[str]) -> None:
        """Take every path for one that changed just now."""
        self._marks: dict[str, str] = dict.fromkeys(paths, "")
        self._since: dict[str, float] = {}
        self._first: dict[str, float] = {}
        self._again: dict[str, float] = {}
        self._pause = max(_LOOK, _SHARE * len(self._marks))
        self._next = 0.0

    def turn(self, now: float) -> list[str]:
        """Give the paths that changed and are at rest, and those that were to be given again."""
        if now < self._next:
            return []
        self._next = now + self._pause
        for path, before in self._marks.items():
            if (mark := of(path)) != before:
                self._marks[path] = mark
                # What is there from before this began is at rest already.
                self._since[path] = now if before else now - _REST
                self._first.setdefault(path, now)
        due = [path for path in self._since if self._is_at_rest(path, now)]
        due += [path for path, at in self._again.items() if now >= at and path not in due]
        for path in due:
            self._since.pop(path, None)
            self._first.pop(path, None)
            self._again.pop(path, None)
        return due

    def _is_at_rest(self, path: str, now: float) -> bool:
        return now - self._since[path] >= _REST or now - self._first[path] >= _LONGEST

    def again(self, path: str, at: float) -> None:
        """Give a path once more at that time, though it does not change."""
        self._again[path] = at


def of(path: str) -> str:
    """Give what tells one state of a path from another."""
    try:
        status = os.lstat(path)
    except OSError as error:
        return f"errno {error.errno}"
    parts = (status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size, status.st_mode)
    return ":".join(map(str, parts))
