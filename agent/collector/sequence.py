"""Tell of each number in a stream whether it was there before, and which are missing. Pure.

Numbers begin with 1 and rise; a sender repeats what was not acknowledged. All that has to be kept
for exactness is the highest number and the ranges below it that never came.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_MOST: Final = 500
"""Ranges that are kept; of more the lowest are given up, and what is in them counts as had."""


class Range(NamedTuple):
    """Missing numbers, both ends included."""

    first: int
    last: int


class Sequence:
    """The numbers of one stream."""

    def __init__(self, last: int = 0, missing: tuple[Range, ...] = ()) -> None:
        """Go on from what is known. missing: in rising order, none touching another."""
        self.last = last
        self._missing = list(missing)

    @property
    def missing(self) -> tuple[Range, ...]:
        """What never came, below the highest number."""
        return tuple(self._missing)

    def take(self, number: int) -> bool:
        """Note a number; False where it was there before."""
        if number > self.last:
            if number > self.last + 1:
                self._missing.append(Range(self.last + 1, number - 1))
                del self._missing[:-_MOST]
            self.last = number
            return True
        return self._fill(number)

    def heal(self) -> None:
        """Forget what is missing: the state is known to be right without it."""
        self._missing.clear()

    def _fill(self, number: int) -> bool:
        for place, (first, last) in enumerate(self._missing):
            if first <= number <= last:
                parts = (Range(first, number - 1), Range(number + 1, last))
                self._missing[place : place + 1] = [one for one in parts if one.first <= one.last]
                return True
        return False
