"""What is watched: roots, wherever they are now, and what links lead to outside of them. EDGE."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.watch import reconcile
from agent.watch.index import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.watch.coverage import Coverage
    from agent.watch.intake import Intake
    from agent.watch.links import Follower
    from agent.watch.roots import Roots
    from agent.watch.tree import Tree
    from agent.watch.waiting import Waiting
    from agent.watch.walks import Walks

LINKS: Final = "links"
"""The subject of a gap."""


class Around(NamedTuple):
    """What the reach of a watcher is made of, and what it has looked at or walked."""

    roots: Roots
    tree: Tree
    follower: Follower
    intake: Intake
    coverage: Coverage
    walks: Walks
    waiting: Waiting


class Reach:
    """Keeps up with roots and links that come, go, or are turned elsewhere."""

    def __init__(self, around: Around, *, follow_links: bool) -> None:
        """Wire the parts."""
        self._roots, self._tree, self._follower = around[:3]
        self._intake, self._coverage, self._walks, self._waiting = around[3:]
        self._follow_links = follow_links

    def places(self) -> Iterator[str]:
        """Give all folders that are watched, and watch the ways to them anew."""
        self._arm(self._roots.all)
        yield from self._roots.all
        yield from self._follower.folders()

    def came(self, path: str) -> None:
        """Have a folder walked that came or went, and what is found over it."""
        if self._follower.watches(path):
            self._walks.add(path)
        self.turned(path)

    def turned(self, name: str, *, ends: bool = True) -> None:
        """Follow anew what leads over a name: roots and links.

        ends: those too that lead to it and no further.
        """
        roots = self._roots.over(name)
        self._arm(roots)
        for root in roots:
            self._walks.add(root)
        for link in self._follower.over(name, ends=ends):
            self.link(link)

    def _arm(self, roots: Iterable[str]) -> None:
        for root in roots:
            before = self._roots.real(root)
            problem = self._roots.arm(root, self._tree.name)
            if self._roots.real(root) != before:
                self._tree.forget(root)
            if problem:
                self._intake.blind(root, f"root: {problem}")
            elif len(self._coverage):
                self._coverage.close(root, "found", time.time())

    def link(self, path: str) -> None:
        """Follow a link out of the trees, and leave what it led to before."""
        if not self._follow_links:
            return
        led = self._follower.follow(path)
        if led.unwatched:
            self._intake.blind(LINKS, f"their ways cannot be watched: {led.unwatched}")
        self._leave(led.left)
        if led.folder:
            self._walks.add(led.folder)
        if led.file and self._differs(led.file):
            self._waiting.touch(led.file, time.monotonic())

    def forget(self, path: str) -> None:
        """Take in that there is no link any more, if there was one."""
        self._leave(self._follower.forget(path))

    def _differs(self, path: str) -> bool:
        try:
            return self._intake.index.get(path) != stamp(os.lstat(path))
        except OSError:
            return True

    def _leave(self, place: str) -> None:
        """Have what no link leads to any more looked at, so that it is forgotten."""
        if place:
            self._tree.forget(place)
            self._waiting.touch(place, time.monotonic())
            self._walks.also(reconcile.left(place, self._intake.index))
            for other in self._follower.folders(place):
                self._walks.add(other)
