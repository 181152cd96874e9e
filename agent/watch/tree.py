"""Keep every folder of some trees watched, and list each one only after its watch is set. EDGE.

What is made in a folder after its watch was set is told by the kernel, and what was there before is
in the list: so nothing falls between, however fast a tree is filled. Paths come from watches, which
stay with a folder when it is moved; a moved folder is therefore forgotten and walked anew.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.watch.kernel import Heard, Kernel

_GONE: Final = frozenset((errno.ENOENT, errno.ENOTDIR, errno.ELOOP))


class Touched(NamedTuple):
    """Something happened to what is no folder, or it is no more."""

    path: str


class Came(NamedTuple):
    """A folder was made, moved here or became readable: it has to be walked."""

    path: str


class Went(NamedTuple):
    """A folder is not there any more, and nothing below it."""

    path: str


class Lost(NamedTuple):
    """The kernel threw events away: everything has to be walked."""


News = Touched | Came | Went | Lost


class Listing(NamedTuple):
    """A folder with what is in it but for folders; error: why it could not be listed or watched."""

    folder: str
    entries: list[os.DirEntry[str]]
    error: str = ""
    unwatched: str = ""


class Tree:
    """The watched folders of some trees."""

    def __init__(self, kernel: Kernel, leave_out: Callable[[str], bool]) -> None:
        """Begin with none. leave_out: says of a path that it is not to be looked at."""
        self._kernel = kernel
        self._leave_out = leave_out
        self._paths: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._names: dict[str, set[str]] = {}
        """Folders of which only some names matter: those that links lead to."""
        self.unwatched: dict[str, str] = {}
        """Folders that could not be watched, and why: a sweep alone looks at them."""

    def __len__(self) -> int:
        """Give how many folders are watched."""
        return len(self._watches)

    def walk(self, top: str) -> Iterator[Listing]:
        """Watch and list a folder and all below it, a folder a step."""
        stack = [top]
        while stack:
            folder = stack.pop()
            unwatched = self._watch(folder)
            try:
                with os.scandir(folder) as entries:
                    inside = [one for one in entries if not self._leave_out(one.path)]
            except OSError as error:
                if error.errno not in _GONE:
                    yield Listing(folder, [], error.strerror or "cannot be read")
                continue
            stack += [one.path for one in inside if one.is_dir(follow_symlinks=False)]
            files = [one for one in inside if not one.is_dir(follow_symlinks=False)]
            yield Listing(folder, files, "", unwatched)

    def _watch(self, folder: str) -> str:
        """Set a folder's watch; give why it could not be set, "" if it was."""
        self._names.pop(folder, None)
        if folder in self._watches:
            return ""
        try:
            self._set(folder)
        except OSError as error:
            if error.errno in _GONE:
                return ""
            self.unwatched[folder] = error.strerror or "cannot be watched"
            return self.unwatched[folder]
        self.unwatched.pop(folder, None)
        return ""

    def _set(self, folder: str) -> None:
        watch = self._kernel.folder(folder)
        before = self._paths.get(watch)
        if before is not None and before != folder:  # one folder under two names, or a moved one
            self._watches.pop(before, None)
        self._paths[watch] = folder
        self._watches[folder] = watch

    def name(self, path: str) -> None:
        """Watch one path in a folder that is not watched as a whole; raises OSError."""
        folder, name = os.path.split(path)
        if folder in self._watches and folder not in self._names:
            return
        if folder not in self._watches:
            self._set(folder)
        self._names.setdefault(folder, set()).add(name)

    def inode(self, path: str) -> None:
        """Watch a file under all its names; raises OSError."""
        watch = self._kernel.file(path)
        self._paths[watch] = path

    def hear(self) -> Iterator[News]:
        """Give what happened since the last time, in order."""
        heard, lost = self._kernel.take()
        for one in heard:
            yield from self._told(one)
        if lost:
            yield Lost()

    def _told(self, heard: Heard) -> Iterator[News]:
        where = self._paths.get(heard.watch)
        if where is None:
            return
        if self._watches.get(where) != heard.watch:  # a file, by its inode
            if heard.ended:
                del self._paths[heard.watch]
            yield Touched(where)
            return
        if heard.ended:
            self._forget(where)
            yield Went(where)
            return
        path = os.path.join(where, heard.name) if heard.name else where
        wanted = self._names.get(where)
        if (wanted is not None and heard.name not in wanted) or self._leave_out(path):
            return
        yield from self._folder(path, heard) if heard.folder else [Touched(path)]

    def _folder(self, path: str, heard: Heard) -> Iterator[News]:
        if heard.went:
            self._forget(path)
            yield Went(path)
        elif heard.came or path in self.unwatched:
            self._forget(path)  # it may bear the name of one whose end is not heard yet
            yield Came(path)

    def _forget(self, folder: str) -> None:
        """Drop the watches of a folder and of all below it."""
        below = folder.rstrip("/") + "/"
        for path in [p for p in self._watches if p == folder or p.startswith(below)]:
            watch = self._watches.pop(path)
            self._paths.pop(watch, None)
            self._names.pop(path, None)
            self._kernel.forget(watch)
        self.unwatched.pop(folder, None)
