"""Hear when file systems are mounted and unmounted, which no watch of a folder tells. EDGE."""

from __future__ import annotations

import math
import os
import select
from typing import TYPE_CHECKING, Final

from checks import mounts

if TYPE_CHECKING:
    from collections.abc import Iterable

_TABLE: Final = "/proc/self/mountinfo"
_REST: Final = 1.0
"""Seconds between two looks: where containers come and go, so do mounts."""


class Mounts:
    """What is mounted where, as this process sees it."""

    def __init__(self) -> None:
        """Take what is mounted now; where that is not told, nothing will be."""
        try:
            self._table = os.open(_TABLE, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._table = -1
        self._mounted = mounts.table()
        self._due, self._rested = math.inf, -math.inf
        self.pseudo = mounts.pseudo(self._mounted)
        """Mount points of the kernel's own file systems."""

    def register(self, poll: select.poll) -> None:
        """Have a poll end when something is mounted or unmounted."""
        if self._table >= 0:
            poll.register(self._table, select.POLLPRI)

    def heard(self, ready: Iterable[tuple[int, int]], now: float) -> None:
        """Take in what a poll gave, which tells each change once (proc(5))."""
        if any(number == self._table for number, _ in ready):
            self._due = min(self._due, max(now, self._rested + _REST))

    def wait(self, now: float) -> float | None:
        """Give the seconds until there is something to take, None where nothing was heard."""
        return self._due - now if self._due < math.inf else None

    def take(self, now: float) -> set[str]:
        """Give where something was mounted or unmounted since the last time, when that is due."""
        if now < self._due:
            return set()
        self._due, self._rested = math.inf, now
        before, self._mounted = self._mounted, mounts.table()
        self.pseudo = mounts.pseudo(self._mounted)
        return {one.point for one in before ^ self._mounted}

    def close(self) -> None:
        """Stop hearing."""
        if self._table >= 0:
            os.close(self._table)
            self._table = -1
