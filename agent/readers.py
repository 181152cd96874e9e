"""Hand open files to processes without any power, and take what they found in them. EDGE.

A reader is forked, gives up what it could do (`confine`), and is then given one descriptor after
the other. What it answers is treated as hostile: a limit on its length, a strict type, a deadline
for each file; whatever is not right ends it, and the file is reported as not looked at.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import struct
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import bounds, packing
from checks import files
from checks.errors import HygieneError
from checks.model import Inconclusive
from checks.scan import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.files import Opened

_LENGTH: Final = struct.Struct(">I")
_LONGEST: Final = 64 * 1024 * 1024
_PATH: Final = 64 * 1024
_CHUNK: Final = 256 * 1024
_GRACE: Final = 6.0
"""Seconds after which a reader that did not heed its own clock is killed."""
_SPOILED: Final = "reader spoiled"


class ReaderError(HygieneError):
    """A reader that cannot be started."""


class Read(NamedTuple):
    """A file that was given to a reader, and what came of it. status: of when it was opened."""

    path: str
    status: os.stat_result
    result: Result


class _Reader:
    """One process: at most one file at a time."""

    def __init__(self, pid: int, orders: socket.socket, answers: int) -> None:
        self.pid = pid
        self.orders = orders
        self.answers = answers
        self.given: tuple[str, os.stat_result] | None = None
        self.since = time.monotonic()
        self.heard = bytearray()


class Readers:
    """A few readers, started when they are needed."""

    def __init__(
        self,
        look: Callable[[Opened, Result], None],
        confine: Callable[[], None],
        *,
        seconds: int,
        most: int,
    ) -> None:
        """Keep what a reader does with a file, and how it gives up its power before the first."""
        self._look, self._confine = look, confine
        self._seconds, self._most = seconds, most
        self._readers: list[_Reader] = []

    def free(self) -> bool:
        """Say whether a file can be given."""
        return len(self._readers) < self._most or any(not one.given for one in self._readers)

    def busy(self) -> bool:
        """Say whether a file is being read."""
        return any(one.given for one in self._readers)

    def filenos(self) -> list[int]:
        """Give what is readable when an answer came."""
        return [one.answers for one in self._readers]

    def give(self, opened: Opened) -> None:
        """Have a file read; its descriptor is closed here. Only when `free`; raises ReaderError."""
        try:
            reader = next((one for one in self._readers if not one.given), None) or self._start()
            reader.given, reader.since = (opened.path, opened.status), time.monotonic()
            with contextlib.suppress(OSError):  # a dead reader shows when its answers end
                socket.send_fds(reader.orders, [os.fsencode(opened.path)], [opened.descriptor])
        finally:
            os.close(opened.descriptor)

    def take(self) -> Iterator[Read]:
        """Give what was read since the last time, and what never will be."""
        now = time.monotonic()
        for reader in list(self._readers):
            answer = self._heard(reader)
            late = now - reader.since > self._seconds + _GRACE
            if reader.given and (answer is not None or late):
                path, status = reader.given
                reader.given, reader.since = None, now
                found = _decoded(answer) if answer else None
                if found is None:
                    why = _why(answer, late=late)
                    found = Result(inconclusive=[Inconclusive(path, why)])
                    self._end(reader)
                yield Read(path, status, found)
            elif answer is not None or (late and self._readers[0] is not reader):
                self._end(reader)  # it says what nobody asked, or has ended, or is not needed

    def close(self) -> None:
        """End all readers."""
        for reader in list(self._readers):
            self._end(reader)

    def _heard(self, reader: _Reader) -> bytes | None:
        """Give a whole answer; b"" where there will be none; None while it is not whole."""
        poll = select.poll()
        poll.register(reader.answers, select.POLLIN)
        while poll.poll(0):
            part = os.read(reader.answers, _CHUNK)
            if not part:
                return b""
            reader.heard += part
            if len(reader.heard) > _LENGTH.size + _LONGEST:
                return _LENGTH.pack(0)
        if len(reader.heard) < _LENGTH.size:
            return None
        [length] = _LENGTH.unpack_from(reader.heard)
        if length > _LONGEST:
            return _LENGTH.pack(0)
        if len(reader.heard) < _LENGTH.size + length:
            return None
        answer = bytes(reader.heard[: _LENGTH.size + length])
        del reader.heard[: _LENGTH.size + length]
        return answer

    def _start(self) -> _Reader:
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            answers, answering = os.pipe()
            gc.freeze()
            pid = os.fork()
        except OSError as error:
            raise ReaderError(f"readers: cannot be started: {error.strerror}") from error
        if pid == 0:
            status = 1
            try:
                bounds.keep_only({theirs.fileno(), answering})
                self._confine()
                _serve(self._look, theirs, answering, self._seconds)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        os.close(answering)
        reader = _Reader(pid, ours, answers)
        self._readers.append(reader)
        return reader

    def _end(self, reader: _Reader) -> None:
        self._readers.remove(reader)
        reader.orders.close()
        os.close(reader.answers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(reader.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(reader.pid, 0)


def _why(answer: bytes | None, *, late: bool) -> str:
    if answer:
        return _SPOILED
    return bounds.SLOW if late and answer is None else bounds.CRASHED


def _decoded(answer: bytes) -> Result | None:
    with contextlib.suppress(msgspec.MsgspecError, ValueError, RecursionError):
        return packing.unpack(answer[_LENGTH.size :], Result)
    return None


def _serve(
    look: Callable[[Opened, Result], None], orders: socket.socket, answers: int, seconds: int
) -> None:
    """Run in a reader: look at each file that is handed over until the other side is gone."""
    clock = bounds.begin(seconds)
    while True:
        name, descriptors, _, _ = socket.recv_fds(orders, _PATH, 1)
        if not descriptors:
            return
        path, [descriptor] = os.fsdecode(name), descriptors
        result = bounds.blank()
        with clock.running():
            bounds.attempt(_looking(look, descriptor), path, result, seconds)
        os.close(descriptor)
        packed = packing.pack(result)
        view = memoryview(_LENGTH.pack(len(packed)) + packed)
        while view:
            view = view[os.write(answers, view) :]


def _looking(
    look: Callable[[Opened, Result], None], descriptor: int
) -> Callable[[str, Result], None]:
    def work(path: str, result: Result) -> None:
        try:
            look(files.Opened(path, descriptor, os.fstat(descriptor)), result)
        except OSError as error:
            result.inconclusive.append(files.unseen(path, error))

    return work
