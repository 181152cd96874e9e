"""Look at the files that wait: open them, have them read, take in what was found. EDGE.

Everything of one round is taken in in one transaction, or none of it; then it is tried again.
"""

from __future__ import annotations

import math
import os
import stat
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import bounds
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.readers import SPOILED, ReaderError
from agent.watch import listing
from agent.watch.index import stamp
from agent.watch.intake import why
from agent.watch.reach import LINKS
from checks import files
from checks.model import Inconclusive

if TYPE_CHECKING:
    from agent.ledger import Ledger
    from agent.readers import Read, Readers
    from agent.watch.budget import Shares
    from agent.watch.reach import Around, Reach

_SLICE: Final = 0.02
"""Seconds that one round may spend on opening files."""
AGAIN: Final = 5.0
"""Seconds after which is tried again what could not be written down, as on a full disk."""
_PATIENCE: Final = 60.0
"""Seconds that an owner's files wait for its share before that is told."""
_TICK: Final = 20_000_000
_SECOND: Final = 1_000_000_000
"""Nanoseconds within which two changes may bear the same time: of the kernel's clock where it is
coarsest (HZ=100), and of file systems that keep whole seconds.
"""
_SMALL: Final = 256 * 1024
"""Bytes up to which a file is read again when it was closed after writing, whatever its time says:
what is written through a mapping need not change it.
"""
_COSTLY: Final = frozenset((bounds.CRASHED, bounds.SLOW, SPOILED))
"""What costs a file's owner more than the bytes."""
_READERS: Final = "readers"
"""The subject of a gap."""


class Means(NamedTuple):
    """What files are looked at with."""

    ledger: Ledger
    readers: Readers
    shares: Shares


class Looking:
    """Files that are being looked at."""

    def __init__(self, around: Around, reach: Reach, means: Means) -> None:
        """Wire the parts."""
        self._around, self._reach = around, reach
        self._intake, self._coverage, self._waiting = around.intake, around.coverage, around.waiting
        self._ledger, self._readers, self._shares = means
        self._reading: dict[str, bool] = {}
        """What readers have, and whether it had changed just before it was opened."""
        self._no_reader_before = 0.0
        self._starving: set[int] = set()
        self.bytes = 0

    def __bool__(self) -> bool:
        """Say whether readers have something."""
        return bool(self._reading)

    @property
    def paths(self) -> set[str]:
        """What readers have."""
        return {*self._reading}

    def ready(self, now: float) -> bool:
        """Say whether the next file could be opened now."""
        room = self._waiting.queued and self._readers.free()
        return room and now >= self._no_reader_before

    def round(self, now: float) -> list[str]:
        """Take in what was read and give more; give what was dealt with."""
        dealt: list[str] = []
        again: list[str] = []
        if not (self._waiting.queued or self._readers.filenos()):
            return dealt
        try:
            with self._ledger.together():
                for read in self._readers.take():
                    self._take(read, now, dealt)
                self._begin(dealt, again)
        except (LedgerError, SQLITE_ERROR):
            self._waiting.again([*dealt, *again], now + AGAIN)
            return []
        self._waiting.back(again)
        return dealt

    def care(self, now: float) -> None:
        """Do what is to be done when there is time, or after a while."""
        self._intake.join(now, idle=not (self._reading or self._waiting.queued))
        self._tell_starved(now)

    def _take(self, read: Read, now: float, dealt: list[str]) -> None:
        fresh = self._reading.pop(read.path, True)
        if read.result is None:
            self._waiting.touch(read.path, now)
            return
        dealt.append(read.path)
        if any(one.reason in _COSTLY for one in read.result.inconclusive):
            self._shares.take(read.status.st_uid, math.inf, now)
        if not self._intake.finish(read, read.result, fresh=fresh):
            self._waiting.touch(read.path, now)

    def _begin(self, dealt: list[str], again: list[str]) -> None:
        """Give readers what waits, as far as the budget goes; note what needed no reader."""
        end = time.monotonic() + _SLICE
        while self._readers.free() and self._no_reader_before < time.monotonic() < end:
            path = self._waiting.next()
            if path is None:
                return
            if path in self._reading:
                again.append(path)
                continue
            dealt.append(path)  # also where the next line fails: then it is tried again
            if not self._look(path):
                dealt.pop()

    def _look(self, path: str) -> bool:
        """Have a file looked at; say whether that is done already."""
        written = self._waiting.written(path)
        try:
            status = os.lstat(path)
        except OSError:
            return self._gone(path)
        watched = self._around.follower.watches(path)
        if not stat.S_ISREG(status.st_mode) or not watched:
            return self._gone(path, link=watched and stat.S_ISLNK(status.st_mode))
        if not self._around.roots.within(path):
            self._reach.turned(path, ends=False)
        known = self._intake.index.get(path) == stamp(status)
        if known and not (written and status.st_size <= _SMALL):
            return True
        now = time.monotonic()
        if (wait := self._shares.wait(status.st_uid, _cost(status), now)) > 0:
            self._waiting.hold(path, status.st_uid, now, wait)
            return False
        return self._open(path)

    def _open(self, path: str) -> bool:
        opened = files.open_file(path)
        if isinstance(opened, Inconclusive):
            self._intake.blind(path, why(opened))
            return True
        if not isinstance(opened, files.Opened):
            return self._gone(path)
        if not listing.stands(opened.descriptor, self._around.roots.real(path)):
            os.close(opened.descriptor)
            return self._gone(path)
        status = opened.status
        self._shares.take(status.st_uid, _cost(status), time.monotonic())
        self.bytes += status.st_size
        self._reading[path] = _fresh(status)
        self._give(opened)
        if status.st_nlink > 1:  # a folder's watch does not tell of what is done by other names
            self._inode(path)
        return False

    def _inode(self, path: str) -> None:
        try:
            self._around.tree.inode(path)
        except OSError as error:
            self._intake.blind(LINKS, f"other names of files cannot be watched: {error.strerror}")

    def _give(self, opened: files.Opened) -> None:
        try:
            self._readers.give(opened)
        except ReaderError as error:
            del self._reading[opened.path]
            self._no_reader_before = time.monotonic() + AGAIN
            self._waiting.again([opened.path], self._no_reader_before)
            self._intake.blind(_READERS, str(error))
        else:
            if len(self._coverage):
                self._coverage.close(_READERS, "started", time.time())

    def _gone(self, path: str, *, link: bool = False) -> bool:
        self._intake.gone(path)
        self._around.tree.release(path)
        if link:
            self._reach.link(path)
        else:
            self._reach.forget(path)
        self._reach.turned(path)
        return True

    def _tell_starved(self, now: float) -> None:
        """Tell whose files wait for long since it used up its share, and when that is over."""
        starved = self._waiting.starved(now, _PATIENCE)
        for owner in starved.keys() - self._starving:
            since = time.time() - (now - starved[owner])
            reason = "its files wait, since it used up its share"
            self._coverage.open(f"user {owner}", reason, since, time.time())
        for owner in self._starving.difference(starved):
            self._coverage.close(f"user {owner}", "look", time.time())
        self._starving = set(starved)


def _cost(status: os.stat_result) -> int:
    """Give the bytes that reading a file takes: a hole takes none."""
    return min(status.st_size, 512 * status.st_blocks + _SMALL)


def _fresh(status: os.stat_result) -> bool:
    """Say whether a file changed so lately that the next change may bear the same time."""
    changed = status.st_ctime_ns
    return abs(time.time_ns() - changed) < (_TICK if changed % _SECOND else 2 * _SECOND)
