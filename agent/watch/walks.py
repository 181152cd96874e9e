"""What is to be walked: folders that came or went, and now and then everything. Pure.

A folder that waits to be walked waits once, however often it came; what came is walked in turn with
everything, so that neither holds up the other.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.watch.reconcile import Differs

    _Steps = Iterator[Differs]


class Walks:
    """Walks that wait, and those that are going on: one of what came, one of everything."""

    def __init__(self, below: Callable[[str], _Steps]) -> None:
        """Keep how a folder is walked."""
        self._below = below
        self._waiting: dict[str, None] = {}
        self._others: deque[_Steps] = deque()
        self._some: _Steps | None = None
        self._all: _Steps | None = None
        self._turn = False

    def __bool__(self) -> bool:
        """Say whether there is something to walk."""
        return self.whole or bool(self._some or self._waiting or self._others)

    @property
    def whole(self) -> bool:
        """Everything is being walked."""
        return self._all is not None

    def __len__(self) -> int:
        """Give how many walks wait."""
        return len(self._waiting) + len(self._others)

    def add(self, folder: str) -> None:
        """Have a folder walked."""
        self._waiting[folder] = None

    def also(self, steps: _Steps) -> None:
        """Have something else gone through."""
        self._others.append(steps)

    def everything(self, folders: Iterator[str]) -> None:
        """Have all folders walked."""
        self._all = (step for folder in folders for step in self._below(folder))

    def step(self) -> tuple[Differs | None, bool]:
        """Go a step; give what it met, None for the end of a walk, and whether of everything."""
        self._turn = not self._turn
        if self._all is not None and (self._turn or not self._begun()):
            differs = next(self._all, None)
            if differs is None:
                self._all = None
            return differs, True
        differs = next(self._some, None) if self._begun() and self._some else None
        if differs is None:
            self._some = None
        return differs, False

    def _begun(self) -> bool:
        if self._some is None and self._others:
            self._some = self._others.popleft()
        elif self._some is None and self._waiting:
            folder = next(iter(self._waiting))
            del self._waiting[folder]
            self._some = self._below(folder)
        return self._some is not None
