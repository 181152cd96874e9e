"""When everything is walked anew, and the gap that this closes. EDGE.

Who can make the kernel lose events must not keep the agent walking all the time: after each walk
there is a rest that is longer the longer it took. The gap stays open until what the walk met, and
what waited then, was looked at.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.watch.coverage import Coverage

_SUBJECT: Final = "watch"
"""Of a gap that is about all trees."""
_REST: Final = 3.0
"""So many times as long as a walk took there is none, but no longer than this many seconds."""
_LONGEST_REST: Final = 60.0


class Rescan:
    """Whether everything is to be walked, and what is still to be looked at since it was."""

    def __init__(self, coverage: Coverage) -> None:
        """Begin with nothing asked for."""
        self._coverage = coverage
        self._due = math.inf
        self._began = self._rested = 0.0
        self._met = 0
        self._closing: list[tuple[set[str], int]] = []

    @property
    def asked(self) -> bool:
        """Everything is to be walked, now or later."""
        return self._due < math.inf

    def ask(self, reason: str, since: float, *, walking: bool) -> None:
        """Have everything walked; reason: what may have been missed since then, "" for nothing.

        walking: that is being done; it is done once more only if there is a reason.
        """
        if reason:
            self._coverage.open(_SUBJECT, reason, since, time.time())
        if reason or not walking:
            self._due = 0.0

    def retry(self, when: float) -> None:
        """Have everything walked once more at a time, since what a walk met could not be kept."""
        self._due = min(self._due, when)

    def wait(self, now: float) -> float | None:
        """Give the seconds until a walk begins, None where none will."""
        return max(self._due, self._rested) - now if self.asked else None

    def begins(self, now: float) -> bool:
        """Say whether to begin now; then it counts as begun. Only while there is no such walk."""
        if now < max(self._due, self._rested):
            return False
        self._due, self._began, self._met = math.inf, now, 0
        return True

    def met(self, count: int) -> None:
        """Take in how many paths the walk found that are to be looked at."""
        self._met += count

    def ended(self, now: float, waiting: set[str]) -> None:
        """Take in that a walk is over. waiting: all that is to be looked at by now."""
        self._rested = now + min(_REST * (now - self._began), _LONGEST_REST)
        if not self.asked:  # else the next walk closes the gap
            self._closing.append((waiting, self._met))
            self.looked((), walking=False)

    def looked(self, paths: Iterable[str], *, walking: bool) -> None:
        """Take in what was looked at; close the gap when that was the last of it."""
        for waiting, _ in self._closing:
            waiting.difference_update(paths)
        while self._closing and not self._closing[0][0]:
            _, missed = self._closing.pop(0)
            if not (self._closing or walking or self.asked):
                self._coverage.close(_SUBJECT, "rescan", time.time(), missed)
