"""Hear from the kernel what happens in folders, through watchdog's inotify. EDGE.

watchdog's own recursive observer loses what happens while it sets up watches and rebuilds them
behind our back; its inner layer tells everything, an overflow of the queue too, and is used here.
Its thread reads; what it read is taken by ours.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading
import time
import warnings
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import InotifyEvent

_FOLDER: Final = Mask(
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
_FILE: Final = Mask(
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_DONT_FOLLOW
)
_OURS: Final = CallbackId(1)
_MOST: Final = 200_000
"""Events that wait to be taken; more are told as lost."""
_AT_ONCE: Final = 20_000
"""Events that are taken at once."""
_LOOK: Final = 1000
"""Milliseconds between two looks whether the kernel's queue is empty, while it is."""


class Heard(NamedTuple):
    """One event. watch: whose; name: in the folder, "" for the watched thing itself."""

    watch: int
    name: str
    folder: bool
    came: bool
    went: bool
    ended: bool
    """The watch is no more."""
    written: bool = False
    """A file was closed that may have been written to."""


class Lost(NamedTuple):
    """Events were thrown away. since: seconds since 1970 in UTC, before which none was."""

    since: float


class _Listener(InotifyFD):
    """Knows when the kernel's queue was last empty: what it lost came after that."""

    def __init__(self) -> None:
        super().__init__()
        self.emptied = time.time()
        self._poll = select.poll()
        self._poll.register(self._inotify_fd, select.POLLIN)
        self._poll.register(self._kill_r, select.POLLIN)

    def _check_inotify_fd(self) -> bool:
        """Wait until there is something to read; say whether it is from the kernel."""
        now = time.time()
        while not self._poll.poll(0):
            self.emptied = now
            self._poll.poll(_LOOK)
            now = time.time()
        return bool(super()._check_inotify_fd())


class Kernel:
    """Watches on folders and files."""

    def __init__(self) -> None:
        """Begin to listen; raises OSError where the kernel has no more for this user."""
        self._heard: deque[Heard | Lost] = deque()
        self._may = threading.Event()
        self._may.set()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._inotify = _Listener()
        self._inotify.start()
        self._watches: set[int] = set()

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

    def _add(self, path: str, mask: Mask) -> int:
        with warnings.catch_warnings(action="ignore"):  # of a watch that is there already
            watch = self._inotify.add_callback(os.fsencode(path), mask, self, _OURS)
        if watch < 0:  # what watchdog makes of EACCES
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        self._watches.add(watch)
        return int(watch)

    def forget(self, watch: int) -> None:
        """End a watch; one that has ended already is no error."""
        self._watches.discard(watch)
        with contextlib.suppress(OSError):
            self._inotify.remove_callbacks([(WatchDescriptor(watch), _OURS)])

    def take(self) -> list[Heard | Lost]:
        """Give what was heard since the last time, and where something was lost.

        Raises OSError where nothing will be heard any more.
        """
        if not self._inotify.is_alive():
            raise OSError(errno.EIO, "inotify is not read any more")
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        found = [self._heard.popleft() for _ in range(min(len(self._heard), _AT_ONCE))]
        if self._heard:
            os.eventfd_write(self._wake, 1)
        return found

    @property
    def heard(self) -> float | None:
        """Before when all that happened was taken, in seconds since 1970 in UTC; None: not now."""
        emptied = self._inotify.emptied  # asked for first: what was heard before it waits here
        return None if self._heard else emptied

    def hold(self, *, back: bool) -> None:
        """Leave events to the kernel, which keeps some and tells when it lost any; or no more."""
        if back:
            self._may.clear()
        else:
            self._may.set()

    def close(self) -> None:
        """Stop listening."""
        self._may.set()
        self._inotify.stop()
        self._inotify.join()
        os.close(self._wake)

    # What watchdog's thread calls

    def on_event(self, event: InotifyEvent) -> None:
        """Keep an event for whoever takes it."""
        self._keep(
            Heard(
                int(event.wd),
                os.fsdecode(event.name),
                folder=bool(event.mask & InotifyConstants.IN_ISDIR),
                came=event.is_create or event.is_moved_to,
                went=event.is_delete or event.is_moved_from,
                ended=event.is_delete_self or event.is_move_self,
                written=event.is_close_write,
            )
        )

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Tell that a watch ended, since its folder is gone or was unmounted."""
        self._watches.discard(int(wd))
        self._keep(Heard(int(wd), "", folder=True, came=False, went=False, ended=True))

    def on_queue_overflow(self) -> None:
        """Tell that the kernel threw events away."""
        self._keep(Lost(self._inotify.emptied))

    def _keep(self, heard: Heard | Lost) -> None:
        self._may.wait()
        if len(self._heard) < _MOST:
            self._heard.append(heard)
        elif not isinstance(self._heard[-1], Lost):
            self._heard.append(heard if isinstance(heard, Lost) else Lost(time.time()))
        os.eventfd_write(self._wake, 1)
