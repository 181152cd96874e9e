"""When everything is walked anew, and the gaps that this closes. EDGE.

Who can make the kernel lose events must not keep the agent walking all the time: after each walk
there is a rest, longer the longer it took, and the sooner it was asked for again. A gap stays open
until what the walk met, and what waited then, was looked at. It is then closed for all that was
missed before that walk began; what was missed since is the next gap, which the next walk closes.
So each gap ends, however long somebody goes on.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.watch.coverage import Coverage

_SUBJECT: Final = "watch"
"""Of a gap that is about all trees."""
_REST: Final = 3.0
"""So many times as long as a walk took there is none, but no longer than this many seconds."""
_LONGEST_REST: Final = 60.0
_FIRST_PAUSE: Final = 1.0
"""Seconds without a walk after one; twice as many each time that another is asked for within."""
_LONGEST_PAUSE: Final = 15.0


class _Missed(NamedTuple):
    """Why something may have been missed, in short and as it is told, and since when."""

    reason: str
    told: str
    since: float


class _Walked(NamedTuple):
    """What is to be looked at after a walk, and how many paths it found. number: which walk."""

    waiting: set[str]
    met: int
    number: int


class Rescan:
    """Whether everything is to be walked, and what is still to be looked at since it was."""

    def __init__(self, coverage: Coverage) -> None:
        """Begin with nothing asked for."""
        self._coverage = coverage
        self._due = math.inf
        self._began = self._rested = self._calm = 0.0
        self._pause = _FIRST_PAUSE
        self._met = self._number = 0
        self._kept = True
        self._missed: dict[int, _Missed] = {}
        """What was missed first after so many walks had begun."""
        self._closing: list[_Walked] = []

    @property
    def asked(self) -> bool:
        """Everything is to be walked, now or later."""
        return self._due < math.inf

    @property
    def walked(self) -> bool:
        """Everything was walked once."""
        return self._rested > 0

    def ask(self, reason: str, since: float, *, walking: bool, noisy: str = "") -> None:
        """Have everything walked; reason: what may have been missed since then, "" for nothing.

        walking: that is being done; it is done once more only if there is a reason. noisy: the
        folder where most happened, which is told once for each gap.
        """
        if reason:
            told = f"{reason}, most events from {noisy}" if noisy else reason
            if all(one.reason != reason for one in self._missed.values()):
                self._coverage.open(_SUBJECT, told, since, time.time())
            self._missed.setdefault(self._number, _Missed(reason, told, since))
        if reason or not walking:
            self._due = 0.0

    def retry(self, when: float) -> None:
        """Have everything walked once more at a time, since what a walk met could not be kept."""
        self._due = min(self._due, when)
        self._kept = False

    def wait(self, now: float) -> float | None:
        """Give the seconds until a walk begins, None where none will."""
        return max(self._due, self._rested) - now if self.asked else None

    def begins(self, now: float) -> bool:
        """Say whether to begin now; then it counts as begun. Only while there is no such walk."""
        if now < max(self._due, self._rested):
            return False
        again = now < self._calm
        self._pause = min(2 * self._pause, _LONGEST_PAUSE) if again else _FIRST_PAUSE
        self._due, self._began, self._met = math.inf, now, 0
        self._number += 1
        self._kept = True
        return True

    def met(self, count: int) -> None:
        """Take in how many paths the walk found that are to be looked at."""
        self._met += count

    def ended(self, now: float, waiting: set[str]) -> None:
        """Take in that a walk is over. waiting: all that is to be looked at by now."""
        rest = max(min(_REST * (now - self._began), _LONGEST_REST), self._pause)
        self._rested, self._calm = now + rest, now + 2 * rest
        if self._kept:  # else the next walk closes the gap
            # The first goes on, so that it ends; the last one stands for all between.
            self._closing[1:] = [_Walked(waiting, self._met, self._number)]
            self.looked(())

    def looked(self, paths: Iterable[str]) -> None:
        """Take in what was looked at; close the gap when that was the last of it."""
        for one in self._closing:
            one.waiting.difference_update(paths)
        while self._closing and not self._closing[0].waiting:
            self._close(self._closing.pop(0))

    def _close(self, walked: _Walked) -> None:
        """Close the gap for what was missed before a walk; what was missed since is another."""
        now = time.time()
        self._coverage.close(_SUBJECT, "rescan", now, walked.met)
        self._missed = {n: one for n, one in self._missed.items() if n >= walked.number}
        first = {one.reason: one for one in reversed(self._missed.values())}
        for one in first.values():
            self._coverage.open(_SUBJECT, one.told, one.since, now)
