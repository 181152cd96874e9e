"""The folders that are to be watched, which may be links, may be gone, and may come later. EDGE."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from agent.watch import links

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TRIES: Final = 5


class Roots:
    """Roots as they were named, and where they are now."""

    def __init__(self, named: Iterable[str]) -> None:
        """Keep those that lie in no other one, and find out where they are."""
        self.all: tuple[str, ...] = ()
        self._reals: dict[str, str] = {}
        for root in sorted({os.path.normpath(one).replace("//", "/") for one in named}):
            real = self._find(root)
            if not (real and self._reached(root, real)):
                self.all += (root,)
                self._reals[root] = real
        self._steps: dict[str, set[str]] = {}

    def _find(self, root: str) -> str:
        target = links.resolve(root, _nothing)
        return target.real if target and target.trusted else ""

    def _reached(self, root: str, real: str) -> bool:
        """Say whether a walk of another root comes by a root: by its name, and not over a link."""
        return any(
            _inside(root, other) and real == self._real(root, other) for other in self._reals
        )

    def arm(self, root: str, watch: Callable[[str], str]) -> str:
        """Find out anew where a root is, with every name on the way watched first.

        watch: gives why a name cannot be watched, "" if it is. Gives the last such reason.
        """
        told: set[str] = set()
        problem = ""
        for _ in range(_TRIES):  # what is watched only now may just have come, or been turned
            target = links.resolve(root, _nothing)
            problem = "loops" if target is None else "" if target.trusted else "is another user's"
            fresh = set(target.names if target else (root,)) - told
            if not fresh:
                break
            told |= fresh
            problem = next(filter(None, map(watch, sorted(fresh))), problem)
        self._reals[root] = target.real if target and target.trusted else ""
        for name in told:
            self._steps.setdefault(name, set()).add(root)
        return problem

    def over(self, name: str) -> set[str]:
        """Give the roots that are found over a name."""
        return self._steps.get(name, set())

    def within(self, path: str) -> bool:
        """Say whether a path lies in a root, by either's name."""
        return any(
            _inside(path, root) or (real and _inside(path, real))
            for root, real in self._reals.items()
        )

    def reach(self, path: str) -> str:
        """Give by which path a folder is opened without following it: a root alone is followed."""
        return f"{path}/." if path in self._reals else path

    def real(self, path: str) -> str:
        """Give where a path is if nothing in its tree is a link."""
        for root, real in self._reals.items():
            if real != root and _inside(path, root):
                return self._real(path, root)
        return path

    def _real(self, path: str, root: str) -> str:
        return os.path.normpath(self._reals[root] + "/" + path[len(root) :])


def _nothing(_path: str) -> bool:
    return False


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
