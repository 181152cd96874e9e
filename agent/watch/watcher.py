"""Look at every file of some trees when it changes, and at none twice for nothing. EDGE.

One turn of the loop: hear what happened, walk a little further where something has to be walked,
give what has come to rest to a reader, take in what readers found. Everything that is found, and
that it was looked at, is written in one transaction; until then the file counts as not looked at.
"""

from __future__ import annotations

import itertools
import math
import os
import select
import stat
import time
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.ledger import LedgerError
from agent.watch import reconcile
from agent.watch.index import stamp
from agent.watch.intake import Intake, why
from agent.watch.links import Follower
from agent.watch.settle import Settler
from agent.watch.tree import Came, Lost, Touched, Tree
from checks import files
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.ledger import Ledger
    from agent.readers import Readers
    from agent.watch.budget import Shares
    from agent.watch.coverage import Coverage
    from agent.watch.intake import Rules
    from agent.watch.kernel import Kernel
    from agent.watch.reconcile import Differs

_SLICE: Final = 0.02
"""Seconds that one turn may spend on walking."""
_AGAIN: Final = 5.0
"""Seconds after which a file is tried again that could not be taken in, as on a full disk."""
_EVERYTHING: Final = "watch"
"""The subject of a gap that is about all trees."""


class Parts(NamedTuple):
    """What a watcher is made of."""

    roots: tuple[str, ...]
    leave_out: Callable[[str], bool]
    follow_links: bool
    ledger: Ledger
    coverage: Coverage
    kernel: Kernel
    readers: Readers
    shares: Shares
    rules: Rules


class _Walk:
    """A walk that is going on; whole: of all trees, which makes up for whatever was missed."""

    def __init__(self, steps: Iterator[Differs], *, whole: bool = False) -> None:
        self.steps = steps
        self.whole = whole
        self.missed: set[str] = set()


class Watcher:
    """The state of the loop."""

    def __init__(self, parts: Parts) -> None:
        """Wire the parts; nothing is watched yet."""
        self._parts = parts
        self._intake = Intake(parts.ledger, parts.coverage, parts.rules)
        self._tree = Tree(parts.kernel, parts.leave_out)
        self._follower = Follower(parts.ledger.base, self._tree, parts.roots, parts.leave_out)
        self._settler = Settler()
        self._queue: dict[str, None] = {}
        self._held: list[tuple[float, str]] = []
        self._reading: set[str] = set()
        self._walks: deque[_Walk] = deque()
        self._closing: list[tuple[set[str], int]] = []
        """For each finished walk that closes the gap: what of it is still to be looked at."""
        self._again = False
        """Something was lost while everything was being walked."""
        self.changed: list[str] = []
        """What was dealt with since whoever is interested emptied the list."""
        self._due = math.inf
        """When everything is to be walked again, since what a walk met could not be kept."""
        self._read_bytes = 0

    # What the role asks

    def everything(self, *, reason: str, since: float) -> None:
        """Walk all trees anew; reason: why something may have been missed since then, "" if not."""
        if reason:
            self._parts.coverage.open(_EVERYTHING, reason, since, time.time())
        if any(walk.whole for walk in self._walks):
            self._again = self._again or bool(reason)
            return
        places = dict.fromkeys((*self._parts.roots, *self._follower.folders()))
        steps = itertools.chain.from_iterable(map(self._below, places))
        self._walks.append(_Walk(steps, whole=True))

    def forget_looks(self) -> None:
        """Have every file looked at again, as after a change of policy."""
        with self._parts.ledger.together():
            self._parts.ledger.base.execute("UPDATE files SET changed = 0")

    @property
    def walking(self) -> bool:
        """A tree is being walked: not everything has its watch yet."""
        return bool(self._walks)

    @property
    def idle(self) -> bool:
        """Nothing waits to be looked at."""
        waiting = self._settler or self._queue or self._held or self._reading or self._walks
        return not waiting

    @property
    def numbers(self) -> dict[str, int]:
        """Give what `status` shows."""
        return {
            "files": len(self._intake.index),
            "folders": len(self._tree),
            "watches": len(self._parts.kernel),
            "unwatched": len(self._tree.unwatched),
            "waiting": len(self._settler) + len(self._queue) + len(self._held),
            "looked": self._intake.looked,
            "bytes": self._read_bytes,
            "gaps": len(self._parts.coverage),
        }

    def turn(self, timeout: float) -> None:
        """Do what can be done now, or wait for at most TIMEOUT seconds for something to do."""
        self._sleep(timeout)
        now = time.monotonic()
        self._explore(now)
        self._queue |= dict.fromkeys(self._settler.due(now))
        held, self._held = self._held, []
        for when, path in held:
            if when <= now:
                self._queue[path] = None
            else:
                self._held.append((when, path))
        self._work()

    def _work(self) -> None:
        """Take in what was read and give more, all in one transaction, or none of it."""
        dealt: list[str] = []
        try:
            with self._parts.ledger.together():
                for read in self._parts.readers.take():
                    self._reading.discard(read.path)
                    dealt.append(read.path)
                    if read.result is None or not self._intake.finish(read, read.result):
                        self._settler.touch(read.path, time.monotonic())
                self._begin(dealt)
        except LedgerError:
            again = time.monotonic() + _AGAIN
            self._held += [(again, path) for path in dealt]
            return
        self.changed += dealt
        self._settled(dealt)
        if not (self._reading or self._queue):
            self._intake.join()

    def _sleep(self, timeout: float) -> None:
        now = time.monotonic()
        waits = [timeout, self._settler.wait(now)]
        waits += [when - now for when, _ in self._held]
        if self._walks or (self._queue and self._parts.readers.free()):
            waits.append(0)
        poll = select.poll()
        poll.register(self._parts.kernel.fileno(), select.POLLIN)
        for number in self._parts.readers.filenos():
            poll.register(number, select.POLLIN)
        wait = min(max(one, 0.0) for one in waits if one is not None)
        poll.poll(1000 * min(wait, 1.0) if self._reading else 1000 * wait)

    # Hearing and walking

    def _explore(self, now: float) -> None:
        """Hear and walk; where that cannot be written down everything is walked again later."""
        try:
            self._hear(now)
            if self._walks:
                with self._parts.ledger.together():
                    self._walk(now)
        except LedgerError:
            self._due = now + _AGAIN
        if now >= self._due:
            self._due = math.inf
            self.everything(reason="", since=0)

    def _hear(self, now: float) -> None:
        for news in self._tree.hear():
            if isinstance(news, Touched):
                self._settler.touch(news.path, now)
            elif isinstance(news, Came):
                self._walks.appendleft(_Walk(self._below(news.path)))
            elif isinstance(news, Lost):
                self.everything(reason="kernel's event queue overflowed", since=time.time())
            else:
                for path in self._intake.index.below(news.path):
                    self._settler.touch(path, now)

    def _below(self, top: str) -> Iterator[Differs]:
        return reconcile.below(top, self._tree, self._intake.index)

    def _walk(self, now: float) -> None:
        while self._walks and time.monotonic() - now < _SLICE:
            walk = self._walks[0]
            differs = next(walk.steps, None)
            if differs is None:
                self._walks.remove(walk)
                if walk.whole:
                    self._walked(walk)
                continue
            self._note(differs)
            for path in differs.paths:
                walk.missed.add(path)
                self._settler.touch(path, now)
            for path in differs.links:
                self._link(path)

    def _walked(self, walk: _Walk) -> None:
        """Close the gap when all that the walk met is looked at, unless it opened again."""
        if self._again:
            self._again = False
            self.everything(reason="", since=0)
            return
        self._closing.append((self._pending(), len(walk.missed)))
        self._settled([])

    def _pending(self) -> set[str]:
        held = {path for _, path in self._held}
        return {*self._queue, *self._reading, *held, *self._settler.paths()}

    def _note(self, differs: Differs) -> None:
        """Open or close the gap of one folder."""
        if reason := differs.error or differs.unwatched:
            kind = "cannot be listed" if differs.error else "cannot be watched"
            self._intake.blind(differs.folder, f"folder {kind}: {reason}")
        elif len(self._parts.coverage):
            self._parts.coverage.close(differs.folder, "watch", time.time())

    # Looking

    def _begin(self, dealt: list[str]) -> None:
        """Give readers what waits, as far as the budget goes; note what needed no reader."""
        end = time.monotonic() + _SLICE
        later: list[str] = []
        while self._queue and self._parts.readers.free() and time.monotonic() < end:
            path = next(iter(self._queue))
            del self._queue[path]
            if path in self._reading:
                later.append(path)
            elif self._look(path):
                dealt.append(path)
        self._queue |= dict.fromkeys(later)

    def _look(self, path: str) -> bool:
        """Have a file looked at; say whether that is done already."""
        now = time.monotonic()
        try:
            status = os.lstat(path)
        except OSError:
            return self._gone(path)
        if stat.S_ISLNK(status.st_mode):
            self._link(path)
        if not stat.S_ISREG(status.st_mode) or not self._follower.watches(path):
            return self._gone(path)
        if self._intake.index.get(path) == stamp(status):
            return True
        if (wait := self._parts.shares.wait(status.st_uid, status.st_size, now)) > 0:
            self._held.append((now + wait, path))
            return False
        return self._open(path)

    def _open(self, path: str) -> bool:
        opened = files.open_file(path)
        if isinstance(opened, Inconclusive):
            self._intake.blind(path, why(opened))
            return True
        if not isinstance(opened, files.Opened):
            return self._gone(path)
        status = opened.status
        self._parts.shares.take(status.st_uid, status.st_size, time.monotonic())
        self._read_bytes += status.st_size
        self._reading.add(path)
        if status.st_nlink > 1:  # a folder's watch does not tell of what is done by other names
            try:
                self._tree.inode(path)
            except OSError as error:
                self._intake.blind(path, f"other names cannot be watched: {error.strerror}")
        self._parts.readers.give(opened)
        return False

    def _gone(self, path: str) -> bool:
        self._intake.gone(path)
        if not os.path.islink(path):
            self._leave(self._follower.forget(path))
        return True

    def _link(self, path: str) -> None:
        """Follow a link out of the trees, and leave what it led to before."""
        if not self._parts.follow_links:
            return
        led = self._follower.follow(path)
        for step, reason in led.unwatched:
            self._intake.blind(step, reason)
        self._leave(led.left)
        if led.folder:
            self._walks.append(_Walk(self._below(led.folder)))
        elif led.file and self._intake.index.get(led.file) is None:
            self._settler.touch(led.file, time.monotonic())

    def _leave(self, place: str) -> None:
        """Have what no link leads to any more looked at, so that it is forgotten."""
        if place:
            now = time.monotonic()
            self._settler.touch(place, now)
            for path in self._intake.index.below(place):
                self._settler.touch(path, now)

    def _settled(self, dealt: list[str]) -> None:
        """Note what was dealt with, unless it waits again; close the gap when all of a walk was."""
        waiting_again = self._settler.paths() if self._closing else ()
        for waiting, _ in self._closing:
            waiting.difference_update(set(dealt).difference(waiting_again))
        while self._closing and not self._closing[0][0]:
            _, missed = self._closing.pop(0)
            if not self._closing and not any(walk.whole for walk in self._walks):
                self._parts.coverage.close(_EVERYTHING, "rescan", time.time(), missed)
