"""Follow symbolic links out of the watched trees, to the files and folders they mean. EDGE.

A link is followed when who made it could not gain by it: it is root's, or its target's owner's.
Chains are followed step by step, since each step may be turned to somewhere else.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from agent.watch.tree import Tree

    _Choice = Callable[[str], bool]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS links (link BLOB PRIMARY KEY, real BLOB NOT NULL) WITHOUT ROWID
"""
_MOST_STEPS: Final = 40
"""The kernel follows as many (path_resolution(7))."""


class Target(NamedTuple):
    """Where a link leads. steps: the paths on the way, the last one first looked at included."""

    real: str
    folder: bool
    steps: tuple[str, ...]


def follow(link: str) -> Target | None:
    """Give what a link leads to; None for one that dangles, loops, or is somebody's trick."""
    path, steps = link, []
    try:
        for _ in range(_MOST_STEPS):
            status = os.lstat(path)
            if not stat.S_ISLNK(status.st_mode):
                break
            owner = status.st_uid
            if owner not in {0, os.stat(path).st_uid}:
                return None
            path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
            path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
            steps.append(path)
        else:
            return None
    except OSError:
        return None
    mode = status.st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return None
    return Target(path, stat.S_ISDIR(mode), tuple(steps))


class Links:
    """The links that lead out of the trees, and where to."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Use a database, and make the table where it is missing."""
        self._base = base
        base.execute(_SCHEMA)

    def put(self, link: str, real: str) -> str:
        """Note where a link leads, "" for nowhere; give where it led before if that is not it."""
        before = self._real(link)
        if real:
            row = (os.fsencode(link), os.fsencode(real))
            self._base.execute("INSERT OR REPLACE INTO links VALUES (?, ?)", row)
        elif before:
            self._base.execute("DELETE FROM links WHERE link = ?", (os.fsencode(link),))
        return before if before != real else ""

    def _real(self, link: str) -> str:
        row = self._base.execute(
            "SELECT real FROM links WHERE link = ?", (os.fsencode(link),)
        ).fetchone()
        return os.fsdecode(row[0]) if row else ""

    def leads(self, real: str) -> bool:
        """Say whether any link leads to a path, or to a folder above it."""
        parts = real.split("/")
        above = [os.fsencode("/".join(parts[:n]) or "/") for n in range(1, len(parts) + 1)]
        marks = ",".join("?" * len(above))
        query = f"SELECT 1 FROM links WHERE real IN ({marks}) LIMIT 1"  # noqa: S608 - marks only
        return self._base.execute(query, above).fetchone() is not None

    def all(self) -> Iterator[tuple[str, str]]:
        """Give every link and where it leads."""
        for link, real in self._base.execute("SELECT link, real FROM links").fetchall():
            yield os.fsdecode(link), os.fsdecode(real)


class Led(NamedTuple):
    """What a link means for the watch. folder, file: what it newly leads to, "" for none.

    left: what it led to before and nothing does now; unwatched: steps that could not be watched.
    """

    folder: str = ""
    file: str = ""
    left: str = ""
    unwatched: tuple[tuple[str, str], ...] = ()


class Follower:
    """Follows links, as far as they lead out of the watched trees."""

    def __init__(
        self, base: sqlite3.Connection, tree: Tree, roots: tuple[str, ...], leave_out: _Choice
    ) -> None:
        """Use a database. roots: of the trees; leave_out: says of a path that it is left out."""
        self._links, self._tree, self._roots = Links(base), tree, roots
        self._leave_out = leave_out

    def folders(self) -> list[str]:
        """Give the folders outside that links lead to."""
        return [real for _, real in self._links.all() if os.path.isdir(real)]

    def watches(self, path: str) -> bool:
        """Say whether a path lies in a watched tree or a link leads to it."""
        if self._leave_out(path):
            return False
        return self.within(path) or self._links.leads(path)

    def within(self, path: str) -> bool:
        """Say whether a path lies in a watched tree."""
        return any(path == r or path.startswith(r.rstrip("/") + "/") for r in self._roots)

    def follow(self, link: str) -> Led:
        """Take in where a link leads now."""
        target = follow(link)
        if target is None or self._leave_out(target.real):
            return Led(left=self._left(link, ""))
        unwatched = tuple(filter(None, map(self._watch, target.steps)))
        if self.within(target.real):
            return Led(left=self._left(link, ""), unwatched=unwatched)
        left = self._left(link, target.real)
        if target.folder:
            return Led(folder=target.real, left=left, unwatched=unwatched)
        return Led(file=target.real, left=left, unwatched=unwatched)

    def forget(self, link: str) -> str:
        """Take in that a link is gone; give what nothing leads to any more, "" for none."""
        return self._left(link, "")

    def _left(self, link: str, real: str) -> str:
        before = self._links.put(link, real)
        return "" if not before or self._links.leads(before) or self.within(before) else before

    def _watch(self, step: str) -> tuple[str, str] | None:
        if self.within(step):
            return None
        try:
            self._tree.name(step)
        except OSError as error:
            return step, f"cannot be watched: {error.strerror}"
        return None
