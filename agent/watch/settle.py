"""Wait until a file is no longer being written, but not for ever. Pure: time is an argument."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import KeysView

QUIET: Final = 0.05
"""Seconds without a further touch after which a file is looked at."""
LATEST: Final = 2.0
"""Seconds after the first touch when it is looked at all the same."""


class Settler:
    """Paths that were touched, and when each is due."""

    def __init__(self) -> None:
        """Begin with none."""
        self._touched: dict[str, tuple[float, float]] = {}
        """First and last touch of each path that waits."""
        self._queue: list[tuple[float, str]] = []

    def __len__(self) -> int:
        """Give how many paths wait."""
        return len(self._touched)

    def touch(self, path: str, now: float) -> None:
        """Note that something happened to a path."""
        first = self._touched.get(path, (now, now))[0]
        fresh = path not in self._touched
        self._touched[path] = first, now
        if fresh:
            heapq.heappush(self._queue, (now + QUIET, path))

    def due(self, now: float) -> list[str]:
        """Give the paths that have come to rest or have waited long enough, and forget them."""
        found = []
        while self._queue and self._queue[0][0] <= now:
            _, path = heapq.heappop(self._queue)
            first, last = self._touched[path]
            when = min(last + QUIET, first + LATEST)
            if when > now:
                heapq.heappush(self._queue, (when, path))
            else:
                del self._touched[path]
                found.append(path)
        return found

    def paths(self) -> KeysView[str]:
        """Give the paths that wait."""
        return self._touched.keys()

    def wait(self, now: float) -> float | None:
        """Give the seconds until something may be due, None while nothing waits."""
        return max(self._queue[0][0] - now, 0.0) if self._queue else None
