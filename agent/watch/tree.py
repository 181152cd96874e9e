"""Keep every folder of some trees watched, and list each one only after its watch is set. EDGE.

What is made in a folder after its watch was set is told by the kernel, and what was there before is
in the list: so nothing falls between, however fast a tree is filled. Paths come from watches, which
stay with a folder when it is moved; a moved folder is therefore forgotten and walked anew. A walk
sets each watch anew: after a loss nobody knows which ones still stand.
"""

from __future__ import annotations

import errno
import os
import sys
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.watch import listing
from agent.watch.sieve import Lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.watch.index import Stamp
    from agent.watch.kernel import Kernel
    from agent.watch.listing import Part
    from agent.watch.roots import Roots
    from agent.watch.sieve import Heard

_GONE: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP))
_MOST_OPEN: Final = 50
"""Folders that are listed at the same time, one within the other."""
_MOST_NAMES: Final = 50_000
_MOST_FILES: Final = 10_000
_MOST_ALIKE: Final = 100
"""Paths of one watch. Each costs memory or a watch, and any user can make such files and links."""


class Touched(NamedTuple):
    """Something happened to what is no folder, or it is no more.

    written: it was closed just now, and may have been written to.
    """

    path: str
    written: bool = False


class Came(NamedTuple):
    """A folder came or went: it has to be walked, if it is there."""

    path: str


class Missed(NamedTuple):
    """Something happened that is not told. noisy: the folder where most happened, "" for none."""

    since: float
    noisy: str = ""


News = Touched | Came | Missed


class Listing(NamedTuple):
    """Some of what is in a folder, by name, but for folders; first, last: of its parts.

    error: why it could not be listed; unwatched: why it could not be watched.
    """

    folder: str
    files: dict[str, Stamp | None]
    links: list[str]
    first: bool = True
    last: bool = True
    error: str = ""
    unwatched: str = ""


class Tree:
    """The watched folders of some trees."""

    def __init__(self, kernel: Kernel, roots: Roots, leave_out: Callable[[str], bool]) -> None:
        """Begin with none. leave_out: says of a path that it is not to be looked at."""
        self._kernel, self._roots, self._leave_out = kernel, roots, leave_out
        self._paths: dict[int, tuple[str, ...]] = {}
        """Of each watch: several where one inode has several names."""
        self._watches: dict[str, int] = {}
        self._order: list[str] = []
        """The watched folders, sorted, so that all below one are beside each other."""
        self._files: dict[str, int] = {}
        self._names: dict[str, set[str]] = {}
        """Folders of which only some names matter: those on the ways of links and to roots."""
        self._named = 0
        self.unwatched: dict[str, str] = {}
        """Folders that could not be watched, and why: a sweep alone looks at them."""

    def __len__(self) -> int:
        """Give how many folders are watched as a whole."""
        return len(self._watches) - len(self._names)

    # Walking

    def walk(self, top: str) -> Iterator[Listing]:
        """Watch and list a folder and all below it, a part a step."""
        ahead: list[tuple[str, Iterator[Part] | None]] = [(top, None)]
        unwatched = ""
        while ahead:
            folder, parts = ahead.pop()
            first = parts is None
            if parts is None:
                unwatched = self._watch(folder)
                begun = sum(one is not None for _, one in ahead[-_MOST_OPEN:])
                parts = self._parts(folder, sys.maxsize if begun == _MOST_OPEN else listing.MOST)
            try:
                part = next(parts)
            except OSError as error:
                if error.errno in _GONE:
                    self.forget(folder)
                else:
                    yield Listing(folder, {}, [], error=error.strerror or "cannot be read")
                continue
            if not part.last:
                ahead.append((folder, parts))
            ahead += [(path, None) for path in self._kept(folder, part.folders)]
            yield self._listing(folder, part, first=first, unwatched=unwatched)

    def _parts(self, folder: str, most: int) -> Iterator[Part]:
        return listing.parts(self._roots.reach(folder), self._roots.real(folder), most)

    def _listing(self, folder: str, part: Part, *, first: bool, unwatched: str) -> Listing:
        files = {
            name: part.files[name]
            for name in part.files
            if not self._leave_out(os.path.join(folder, name))
        }
        links = list(self._kept(folder, part.links))
        return Listing(folder, files, links, first, part.last, "", unwatched)

    def _kept(self, folder: str, names: list[str]) -> Iterator[str]:
        for name in names:
            path = os.path.join(folder, name)
            if not self._leave_out(path):
                yield path

    def _watch(self, folder: str) -> str:
        """Set a folder's watch; give why it could not be set, "" if it was."""
        if folder in self._names:
            self._named -= len(self._names.pop(folder))
            self._kernel.every(self._watches[folder])
        try:
            self._set(folder, self._roots.reach(folder))
        except OSError as error:
            self._drop(folder)
            if error.errno in _GONE:
                return ""
            if len(self.unwatched) < _MOST_NAMES:
                self.unwatched[folder] = error.strerror or ""
            return error.strerror or "cannot be watched"
        self.unwatched.pop(folder, None)
        return ""

    def _set(self, folder: str, reached: str) -> None:
        watch = self._kernel.folder(reached)
        if self._watches.get(folder) == watch:
            return
        self._drop(folder)
        self._bear(watch, folder)
        self._watches[folder] = watch
        insort(self._order, folder)

    def _bear(self, watch: int, path: str) -> None:
        alike = self._paths.get(watch, ())
        if len(alike) >= _MOST_ALIKE:
            raise OSError(errno.EMLINK, "too many names of one file")
        if alike:
            self._kernel.every(watch)
        self._paths[watch] = (*alike, path)

    # Single names and files

    def name(self, path: str) -> str:
        """Watch one path in a folder that is not watched as a whole; give why not, "" if so."""
        folder, name = os.path.split(path)
        if folder in self._watches and folder not in self._names:
            return ""
        if self._named >= _MOST_NAMES:
            return "too many links"
        try:
            self._set(folder, f"{folder}/.")
        except OSError as error:
            return "" if error.errno in _GONE else error.strerror or "cannot be watched"
        watch = self._watches[folder]
        if folder not in self._names and len(self._paths[watch]) == 1:
            self._kernel.few(watch)
        names = self._names.setdefault(folder, set())
        self._named += name not in names
        names.add(name)
        self._kernel.want(watch, name)
        return ""

    def named(self, path: str) -> bool:
        """Say whether what happens to a path is told."""
        folder, name = os.path.split(path)
        return folder in self._watches and name in self._names.get(folder, (name,))

    def unname(self, path: str) -> None:
        """Watch one path no more."""
        folder, name = os.path.split(path)
        names = self._names.get(folder)
        if names and name in names:
            names.discard(name)
            self._kernel.unwant(self._watches[folder], name)
            self._named -= 1
            if not names:
                self._drop(folder)

    def inode(self, path: str) -> None:
        """Watch a file under all its names; raises OSError."""
        if path not in self._files and len(self._files) >= _MOST_FILES:
            raise OSError(errno.ENOSPC, "too many files with several names")
        watch = self._kernel.file(path)
        if self._files.get(path) != watch:
            self.release(path)
            self._bear(watch, path)
            self._files[path] = watch

    def release(self, path: str) -> None:
        """Watch a file by its folder alone."""
        watch = self._files.pop(path, None)
        if watch is not None:
            self._leave(watch, path)

    # Hearing

    def hear(self) -> Iterator[News]:
        """Give what happened since the last time, in order; raises OSError."""
        for heard in self._kernel.take():
            if isinstance(heard, Lost):
                yield Missed(heard.since, *self._paths.get(heard.noisy, ())[:1])
                continue
            for where in self._paths.get(heard.watch, ()):
                yield from self._told(heard, where)

    def _told(self, heard: Heard, where: str) -> Iterator[News]:
        if self._watches.get(where) != heard.watch:
            if heard.ended:
                self.release(where)
            yield Touched(where, heard.written)
            return
        wanted = self._names.get(where)
        if heard.ended:
            self.forget(where)
            yield from (Touched(os.path.join(where, name)) for name in wanted or ())
            if wanted is None:
                yield Came(where)
            return
        path = os.path.join(where, heard.name) if heard.name else where
        if (wanted is not None and heard.name not in wanted) or self._leave_out(path):
            return
        if not heard.folder:
            yield Touched(path, heard.written)
        elif heard.went or heard.came or path in self.unwatched:
            self.forget(path)  # what is there now may be another one
            yield Came(path)

    # Forgetting

    def forget(self, folder: str) -> None:
        """Drop the watches of a folder and of all below it."""
        self._drop(folder)
        self.unwatched.pop(folder, None)
        below = folder.rstrip("/")
        first, last = (bisect_left(self._order, below + end) for end in "/0")  # 0 is behind /
        for path in self._order[first:last]:
            self._let_go(path)
        del self._order[first:last]

    def _drop(self, folder: str) -> None:
        if folder in self._watches:
            self._let_go(folder)
            del self._order[bisect_left(self._order, folder)]

    def _let_go(self, folder: str) -> None:
        self._named -= len(self._names.pop(folder, ()))
        self._leave(self._watches.pop(folder), folder)

    def _leave(self, watch: int, path: str) -> None:
        left = tuple(one for one in self._paths.get(watch, ()) if one != path)
        if left:
            self._paths[watch] = left
        else:
            self._paths.pop(watch, None)
            self._kernel.forget(watch)
