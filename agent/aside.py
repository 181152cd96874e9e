"""Have something looked at by a process that gave up its powers, and take what it says. EDGE.

It parses what may be hostile: it may crash, take too long or say too much, and nothing else.
"""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from agent import bounds, packing
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS: Final = 60.0
_LONGEST: Final = 32 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_T = TypeVar("_T", bound=msgspec.Struct)


class AsideError(HygieneError):
    """It could not be looked at: its process could not start, crashed or took too long."""


class Aside(Generic[_T]):
    """One look, by one process."""

    def __init__(self, confine: Callable[[], None], look: Callable[[], _T], kind: type[_T]) -> None:
        """Begin. confine: gives up powers; kind: of what LOOK gives. Raises AsideError."""
        self._kind, self._heard = kind, bytearray()
        self._until = time.monotonic() + _SECONDS
        try:
            self._pipe, theirs = os.pipe()
        except OSError as error:
            raise AsideError(str(error.strerror)) from error
        try:
            self._pid = os.fork()
        except OSError as error:
            os.close(self._pipe)
            os.close(theirs)
            raise AsideError(str(error.strerror)) from error
        if self._pid == 0:
            _be(theirs, confine, look)
        os.close(theirs)

    def take(self) -> _T | None:
        """Give what was seen, None while that is not done; raises AsideError. Ends the process."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        while poll.poll(0) and len(self._heard) <= _LONGEST:
            part = os.read(self._pipe, _CHUNK)
            if not part:
                self.end()
                return self._decoded()
            self._heard.extend(part)
        if len(self._heard) > _LONGEST or time.monotonic() > self._until:
            self.end()
            raise AsideError("looking at it took too long or gave too much")
        return None

    def end(self) -> None:
        """End the process, whether it is done or not."""
        os.close(self._pipe)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _decoded(self) -> _T:
        try:
            return packing.unpack(bytes(self._heard), self._kind)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise AsideError("what looked at it crashed") from error


def _be(pipe: int, confine: Callable[[], None], look: Callable[[], msgspec.Struct]) -> None:
    """Be the process that looks, and nothing else after it."""
    status = 1
    try:
        bounds.keep_only({pipe})
        confine()
        bounds.begin(int(_SECONDS))
        view = memoryview(packing.pack(look()))
        while view:
            view = view[os.write(pipe, view) :]
        status = 0
    finally:
        os._exit(status)
