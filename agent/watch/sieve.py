"""Sift what the kernel tells: each event once, and none that nobody asked for. Pure.

Any user can make events as fast as it likes, above a root too, since every folder on the way to one
is heard. So what is the same as something that waits already, and what happens to other names than
those that matter, costs a look into a set and no more.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import Final, NamedTuple

from watchdog.observers.inotify_c import InotifyConstants

_HEADER: Final = struct.Struct("=iIII")
"""Watch, mask, cookie, and bytes of the name with what fills it up (inotify(7))."""
_MOST: Final = 200_000
"""Events that wait to be taken; more are told as lost."""
_MOST_SEEN: Final = 10_000
_SAMPLE: Final = 1000
"""Events by which is told who made most of them."""
_CAME: Final = InotifyConstants.IN_CREATE | InotifyConstants.IN_MOVED_TO
_WENT: Final = InotifyConstants.IN_DELETE | InotifyConstants.IN_MOVED_FROM
_IGNORED: Final = InotifyConstants.IN_IGNORED
_ENDED: Final = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | _IGNORED
_WRITTEN: Final = InotifyConstants.IN_CLOSE_WRITE
_FOLDER: Final = InotifyConstants.IN_ISDIR
_OVERFLOW: Final = InotifyConstants.IN_Q_OVERFLOW


class Heard(NamedTuple):
    """What happened to one name, once or often: it may have come as well as gone.

    watch: whose; name: in the folder, "" for the watched thing itself.
    """

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
    """Events were thrown away. since: seconds since 1970 in UTC, before which none was.

    noisy: the watch with most of the events that came just before.
    """

    since: float
    noisy: int = -1


class About(NamedTuple):
    """What an event is about. folder: a folder of that name."""

    watch: int
    name: bytes
    folder: bool


class Sieve:
    """Events that wait to be taken."""

    def __init__(self) -> None:
        """Begin with none, and with all of them wanted."""
        self._waiting: dict[About, int] = {}
        self._lost: Lost | None = None
        self._seen: set[bytes] = set()
        """Events as the kernel told them that would change nothing."""
        self._wanted: dict[int, set[bytes]] = {}

    def __bool__(self) -> bool:
        """Say whether something waits."""
        return bool(self._waiting or self._lost)

    def few(self, watch: int) -> None:
        """Want only some names of a folder from now on, none at first, and what ends its watch."""
        self._wanted[watch] = set()

    def want(self, watch: int, name: bytes) -> None:
        """Want a name of a folder."""
        if watch in self._wanted:
            self._wanted[watch].add(name)
            self._seen.clear()

    def unwant(self, watch: int, name: bytes) -> None:
        """Want a name no more, where others are."""
        self._wanted.get(watch, set()).discard(name)

    def every(self, watch: int) -> None:
        """Want every name of a folder."""
        if self._wanted.pop(watch, None) is not None:
            self._seen.clear()

    def add(self, data: bytes, since: float) -> None:
        """Take in what the kernel told. since: what it lost came after that time."""
        words, seen = memoryview(data).cast("I"), self._seen
        at, end = 0, len(data)
        while at < end:
            then = at + 16 + words[at // 4 + 3]
            if (event := data[at:then]) not in seen:
                self._sift(event, since, data)
            at = then

    def _sift(self, event: bytes, since: float, data: bytes) -> None:
        watch, mask, cookie, _ = _HEADER.unpack_from(event)
        if mask & _OVERFLOW:
            self._lose(since, data)
            return
        name = event[_HEADER.size :].rstrip(b"\0")
        if not name or watch not in self._wanted or name in self._wanted[watch]:
            about = About(watch, name, bool(mask & _FOLDER))
            if about not in self._waiting and len(self._waiting) >= _MOST:
                self._lose(since, data)
                return
            self._waiting[about] = self._waiting.get(about, 0) | mask
        if not cookie:  # each move has another one
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(event)

    def _lose(self, since: float, data: bytes) -> None:
        if self._lost is None:
            self._lost = Lost(since, _noisiest(data))

    def take(self) -> tuple[dict[About, int], Lost | None]:
        """Give what waits, with the bits of all that happened, and have nothing wait."""
        found, lost = self._waiting, self._lost
        self._waiting, self._lost = {}, None
        self._seen.clear()
        return found, lost


def heard(about: About, mask: int, name: str) -> Heard:
    """Say what bits mean. name: of what the event is about, as text."""
    return Heard(
        about.watch,
        name,
        folder=about.folder,
        came=bool(mask & _CAME),
        went=bool(mask & _WENT),
        ended=bool(mask & _ENDED),
        written=bool(mask & _WRITTEN),
    )


def _noisiest(data: bytes) -> int:
    """Give the watch with most of the first events."""
    made: Counter[int] = Counter()
    at = 0
    for _ in range(_SAMPLE):
        if at < len(data):
            watch, _mask, _cookie, length = _HEADER.unpack_from(data, at)
            made[watch] += 1
            at += _HEADER.size + length
    return made.most_common(1)[0][0]
