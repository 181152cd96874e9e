"""Until when everything that happened was looked at. Pure: time is an argument.

Whoever is killed with files waiting has seen less than what it heard of. All that waits at one time
is remembered; when the last of it was looked at, everything up to that time was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Horizon:
    """What is still to be looked at of all that had happened by a time."""

    def __init__(self, now: float) -> None:
        """Begin with nothing that happened since NOW looked at."""
        self.until = self._then = now
        self._left: set[str] | None = None

    def looked(
        self, paths: Iterable[str], heard: float | None, waiting: Callable[[], set[str]]
    ) -> None:
        """Take in what was looked at.

        heard: until when everything that happened is known of, None where that cannot be said just
        now; waiting: gives all of it that is to be looked at.
        """
        if self._left is None and heard is not None and heard > self._then:
            self._then, self._left = heard, waiting()
        if self._left is not None:
            self._left.difference_update(paths)
            if not self._left:
                self.until, self._left = self._then, None
