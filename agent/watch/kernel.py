"""Hear from the kernel what happens in folders, through watchdog's calls of inotify. EDGE.

watchdog's observers lose what happens while they set up watches, and go through each event however
many there are; its calls alone are used here. A thread reads, at most for its share of processor
time, and sifts; what it kept is taken by ours. What it does not come to waits in the kernel, which
keeps some and tells when it lost any.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from watchdog.observers.inotify_c import (
    InotifyConstants,
    WatchDescriptor,
    inotify_add_watch,
    inotify_init,
    inotify_rm_watch,
)

from agent.watch import sieve
from agent.watch.budget import Processor
from agent.watch.sieve import About, Heard, Lost, Sieve

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER: Final = (
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_DONT_FOLLOW
)
_FILE: Final = (
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_DONT_FOLLOW
)
_AT_ONCE: Final = 2000
"""Events that are taken at once: what waits to be looked at gets its turn between."""
_BUFFER: Final = 1 << 20
"""Bytes that are read at once: more than a queue of 16,384 events with names of usual length."""
_LARGEST: Final = 4096
"""Bytes that stay free where everything there was is read: an event is smaller."""
_LOOK: Final = 1000
"""Milliseconds between two looks whether the kernel's queue is empty, while it is."""
_GATHER: Final = 0.005
"""Seconds after a reading in which events gather in the kernel: each reading costs."""
_NAP: Final = 0.1
"""Seconds between two looks whether there is a share again."""
_REASONS: Final = {
    errno.ENOSPC: "inotify watch limit reached",
    errno.EMFILE: "inotify instance limit reached",
}


def _unbounded() -> Processor:
    return Processor(6400, time.thread_time, time.monotonic())


class Kernel:
    """Watches on folders and files."""

    def __init__(self, share: Callable[[], Processor] = _unbounded) -> None:
        """Begin to listen; raises OSError where the kernel has no more for this user.

        share: makes, in the thread that reads, what bounds its processor time.
        """
        self._share = share
        self._sieve, self._lock = Sieve(), threading.Lock()
        self._found: deque[tuple[About, int]] = deque()
        self._watches: set[int] = set()
        self._emptied = time.time()
        self._inotify = _checked(inotify_init())
        os.set_inheritable(self._inotify, False)  # noqa: FBT003 - it takes no name
        self._wake, self._end = (os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC) for _ in "12")
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def fileno(self) -> int:
        """Give what is readable when there is something to take."""
        return self._wake

    def __len__(self) -> int:
        """Give how many watches there are."""
        return len(self._watches)

    def folder(self, path: str) -> int:
        """Watch what happens right in a folder; raises OSError."""
        return self._add(path, _FOLDER)

    def file(self, path: str) -> int:
        """Watch one file by its inode, wherever else it has names; raises OSError."""
        return self._add(path, _FILE)

    def _add(self, path: str, mask: int) -> int:
        watch = _checked(inotify_add_watch(self._inotify, os.fsencode(path), mask))
        self._watches.add(watch)
        return watch

    def forget(self, watch: int) -> None:
        """End a watch; one that has ended already is no error."""
        self._watches.discard(watch)
        self.every(watch)
        inotify_rm_watch(self._inotify, WatchDescriptor(watch))

    # Which names matter

    def few(self, watch: int) -> None:
        """Tell of some names of a folder alone, of none at first."""
        with self._lock:
            self._sieve.few(watch)

    def want(self, watch: int, name: str) -> None:
        """Tell of a name, where only some are told of."""
        with self._lock:
            self._sieve.want(watch, os.fsencode(name))

    def unwant(self, watch: int, name: str) -> None:
        """Tell of a name no more, where only some are told of."""
        with self._lock:
            self._sieve.unwant(watch, os.fsencode(name))

    def every(self, watch: int) -> None:
        """Tell of all names of a folder."""
        with self._lock:
            self._sieve.every(watch)

    # What was heard

    def take(self) -> list[Heard | Lost]:
        """Give what was heard since the last time, each once, and whether something was lost.

        Raises OSError where nothing will be heard any more.
        """
        if not self._reader.is_alive():
            raise OSError(errno.EIO, "inotify is not read any more")
        lost: list[Lost] = []
        if not self._found:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake)
            with self._lock:
                waiting, one = self._sieve.take()
            self._found.extend(waiting.items())
            lost += [one] if one else []
        some = min(len(self._found), _AT_ONCE)
        found = [self._found.popleft() for _ in range(some)]
        if self._found:
            os.eventfd_write(self._wake, 1)
        return [*lost, *(sieve.heard(one, bits, os.fsdecode(one.name)) for one, bits in found)]

    @property
    def heard(self) -> float | None:
        """Before when all that happened was taken, in seconds since 1970 in UTC; None: not now."""
        emptied = self._emptied  # asked for first: what was heard before it waits here
        return None if self._found or self._sieve else emptied

    def close(self) -> None:
        """Stop listening."""
        os.eventfd_write(self._end, 1)
        self._reader.join()
        for number in (self._inotify, self._wake, self._end):
            os.close(number)

    # What the thread does

    def _listen(self) -> None:
        share = self._share()
        told, ended = select.poll(), select.poll()
        for poll, number in ((told, self._inotify), (told, self._end), (ended, self._end)):
            poll.register(number, select.POLLIN)
        wait = 0.0
        while not ended.poll(1000 * min(wait, _NAP)):
            wait = share.rest(time.monotonic())
            if wait <= 0 and self._comes(told):
                self._read()
                wait = _GATHER

    def _comes(self, told: select.poll) -> bool:
        """Wait until there is something to read; say whether it is from the kernel."""
        now = time.time()
        while not (ready := told.poll(0)):
            self._emptied = now
            told.poll(_LOOK)
            now = time.time()
        return all(number != self._end for number, _ in ready)

    def _read(self) -> None:
        now = time.time()
        data = os.read(self._inotify, _BUFFER)
        with self._lock:
            self._sieve.add(data, self._emptied)
            some = bool(self._sieve)
        if len(data) <= _BUFFER - _LARGEST:
            self._emptied = now
        if some:
            os.eventfd_write(self._wake, 1)


def _checked(told: int) -> int:
    """Give what inotify gave; raises OSError where that is an error."""
    if told < 0:
        number = ctypes.get_errno()
        raise OSError(number, _REASONS.get(number) or os.strerror(number))
    return told
