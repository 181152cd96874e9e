"""Follow symbolic links out of the watched trees, to the files and folders they mean. EDGE.

A link is followed when who made it could not gain by it: all links on its way are root's, or the
target's owner's. Every name on the way is watched, since each may come, go or be turned elsewhere.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.watch.ways import NOWHERE, Way, Ways

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from agent.watch.roots import Roots
    from agent.watch.tree import Tree

    _Choice = Callable[[str], bool]

_MOST_LINKS: Final = 40
"""The kernel follows as many (path_resolution(7))."""


class Target(NamedTuple):
    """Where a path leads. real: the path without links, "" where nothing is there.

    names: every path on the way that was looked for; links: those that are links; owners: of these.
    """

    real: str
    status: os.stat_result | None
    names: tuple[str, ...]
    links: frozenset[str]
    owners: frozenset[int]

    @property
    def trusted(self) -> bool:
        """Who made the links gains nothing by having the target looked at."""
        return self.status is None or self.owners <= {0, self.status.st_uid}


def resolve(path: str, leave_out: _Choice) -> Target | None:
    """Go a path name by name; None where it loops or leads through what is left out.

    The kernel's own file systems are left out, whose links lead where no path does (proc(5)).
    """
    ahead = path.split("/")[::-1]
    here, status, links = "", os.lstat("/"), list[str]()
    names, owners = dict[str, None](), set[int]()
    while ahead:
        name = ahead.pop()
        if name in {"", "."}:
            continue
        if name == "..":
            here = here.rpartition("/")[0]
            continue
        step = f"{here}/{name}"
        names[step] = None
        if leave_out(step) or len(links) > _MOST_LINKS:
            return None
        try:
            status = os.lstat(step)
            told = os.readlink(step) if stat.S_ISLNK(status.st_mode) else None
        except OSError:
            return Target("", None, tuple(names), frozenset(links), frozenset(owners))
        if told is None:
            here = step
            continue
        links.append(step)
        owners.add(status.st_uid)
        here = "" if told.startswith("/") else here
        ahead += told.split("/")[::-1]
    status = status if here and not stat.S_ISLNK(status.st_mode) else os.lstat(here or "/")
    return Target(here or "/", status, tuple(names), frozenset(links), frozenset(owners))


class Led(NamedTuple):
    """What a link means for the watch. folder: what it newly leads to, "" for none; file: always.

    left: what it led to before and nothing does now; unwatched: why a name on its way is not.
    """

    folder: str = ""
    file: str = ""
    left: str = ""
    unwatched: str = ""


class Follower:
    """Follows links, as far as they lead out of the watched trees."""

    def __init__(
        self, base: sqlite3.Connection, tree: Tree, roots: Roots, leave_out: _Choice
    ) -> None:
        """Use a database. leave_out: says of a path that it is left out."""
        self._ways, self._tree, self._roots = Ways(base), tree, roots
        self._leave_out = leave_out

    def folders(self, below: str = "/") -> Iterator[str]:
        """Give the folders outside that links lead to."""
        return filter(os.path.isdir, self._ways.reals(below))

    def over(self, name: str, *, ends: bool = True) -> list[str]:
        """Give the links that lead over a name; ends: those too that lead to it and no further."""
        return self._ways.over(name, ends=ends)

    def watches(self, path: str) -> bool:
        """Say whether a path lies in a watched tree or a link leads to it."""
        if self._leave_out(path):
            return False
        return self._roots.within(path) or self._ways.leads(path)

    def follow(self, link: str) -> Led:
        """Take in where a link leads now."""
        target = resolve(link, self._leave_out)
        way, unwatched = self._way(link, target), ""
        if fresh := [name for name in way.names if not self._watched(name)]:
            unwatched = next(filter(None, map(self._tree.name, fresh)), "")
            target = resolve(link, self._leave_out)  # it may have been turned meanwhile
            way = self._way(link, target)
        before = self._ways.get(link)
        left = self._put(link, way)
        if not way.real or target is None or target.status is None:
            return Led(left=left, unwatched=unwatched)
        if stat.S_ISDIR(target.status.st_mode):
            new = way.real if way.real != before.real else ""
            return Led(folder=new, left=left, unwatched=unwatched)
        return Led(file=way.real, left=left, unwatched=unwatched)

    def forget(self, link: str) -> str:
        """Take in that a link is gone; give what nothing leads to any more, "" for none."""
        return self._put(link, NOWHERE)

    def _way(self, link: str, target: Target | None) -> Way:
        if target is None or not target.trusted:
            return NOWHERE
        names = tuple(name for name in target.names if self._matters(name, link, target))
        mode = target.status.st_mode if target.status else 0
        seen = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
        return Way(target.real if seen and not self._roots.within(target.real) else "", names)

    def _matters(self, name: str, link: str, target: Target) -> bool:
        """Say whether a change of a name on the way is told by nothing but a watch for this link.

        What stands above the link itself moves it, and what is no link in a tree is seen there.
        """
        if f"{link}/".startswith(f"{name}/"):
            return False
        return name in target.links or not self._roots.within(name)

    def _watched(self, name: str) -> bool:
        return self._roots.within(name) or self._tree.named(name)

    def _put(self, link: str, way: Way) -> str:
        before = self._ways.get(link)
        self._ways.put(link, way)
        for name in set(before.names).difference(way.names):
            if not self._ways.over(name) and not self._roots.over(name):
                self._tree.unname(name)
        gone = before.real if before.real != way.real else ""
        return "" if not gone or self._ways.leads(gone) or self._roots.within(gone) else gone
