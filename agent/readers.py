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
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import bounds, packing
from checks import files
from checks.errors import HygieneError
from checks.model import Inconclusive
from checks.scanned import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.files import Opened

_LENGTH: Final = struct.Struct(">I")
_LONGEST: Final = 64 * 1024 * 1024
_PATH: Final = 64 * 1024
_CHUNK: Final = 256 * 1024
_GRACE: Final = 6.0
"""Seconds after which a reader that did not heed its own clock is killed."""
_AHEAD: Final = 32
"""Files that a reader is given before it has answered."""
_IDLE: Final = 5.0
"""Seconds without a file after which a reader is let go: it holds memory that others need."""
SPOILED: Final = "reader spoiled"


class ReaderError(HygieneError):
    """A reader that cannot be started."""


class Read(NamedTuple):
    """A file that was given to a reader, and what came of it. status: of when it was opened.

    result: None where it has to be given again, since the reader ended at the file before it.
    """

    path: str
    status: os.stat_result
    result: Result | None


class _Reader:
    """One process: it reads one file after the other, a few of which are given ahead."""

    def __init__(self, pid: int, orders: socket.socket, answers: int) -> None:
        self.pid = pid
        self.retired = False
        self.orders = orders
        self.answers = answers
        self.given: deque[tuple[str, os.stat_result]] = deque()
        self.since = time.monotonic()
        self.heard = bytearray()
        self.ended = False


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

    def look_by(self, look: Callable[[Opened, Result], None]) -> None:
        """Do another thing with the files that are given from now on."""
        self._look = look
        for reader in self._readers:
            reader.retired = True

    def free(self) -> bool:
        """Say whether a file can be given."""
        return len(self._readers) < self._most or any(
            len(one.given) < _AHEAD for one in self._readers
        )

    def busy(self) -> bool:
        """Say whether a file is being read."""
        return any(one.given for one in self._readers)

    def filenos(self) -> list[int]:
        """Give what is readable when an answer came."""
        return [one.answers for one in self._readers]

    def give(self, opened: Opened) -> None:
        """Have a file read; its descriptor is closed here. Only when `free`; raises ReaderError."""
        try:
            reader = self._next()
            if not reader.given:
                reader.since = time.monotonic()
            reader.given.append((opened.path, opened.status))
            with contextlib.suppress(OSError):  # a dead reader shows when its answers end
                socket.send_fds(reader.orders, [os.fsencode(opened.path)], [opened.descriptor])
        finally:
            os.close(opened.descriptor)

    def _next(self) -> _Reader:
        """Choose a reader: an idle one, a new one, or the one with the least before it."""
        able = [one for one in self._readers if not one.retired]
        least = min(able, key=lambda one: len(one.given), default=None)
        if least is None or (least.given and len(self._readers) < self._most):
            return self._start()
        return least

    def take(self) -> Iterator[Read]:
        """Give what was read since the last time, and what never will be."""
        for reader in list(self._readers):
            self._hear(reader)
            while (answer := _whole(reader.heard)) is not None:
                if not reader.given or (found := _decoded(answer)) is None:
                    yield from self._lost(reader, SPOILED)
                    break
                reader.since = time.monotonic()
                yield Read(*reader.given.popleft(), found)
            else:
                late = time.monotonic() - reader.since > self._seconds + _GRACE
                if reader.ended:
                    yield from self._lost(reader, bounds.CRASHED)
                elif late and reader.given:
                    yield from self._lost(reader, bounds.SLOW)
                elif not reader.given and (reader.retired or _is_idle(reader)):
                    self._end(reader)

    def _lost(self, reader: _Reader, why: str) -> Iterator[Read]:
        """End a reader: the file it was at is reported, those behind it have to be given again."""
        self._end(reader)
        for number, (path, status) in enumerate(reader.given):
            found = None if number else Result(inconclusive=[Inconclusive(path, why)])
            yield Read(path, status, found)

    def close(self) -> None:
        """End all readers."""
        for reader in list(self._readers):
            self._end(reader)

    def _hear(self, reader: _Reader) -> None:
        """Take what a reader has said; a limit keeps one that babbles from filling the memory."""
        poll = select.poll()
        poll.register(reader.answers, select.POLLIN)
        while len(reader.heard) <= _LENGTH.size + _LONGEST and poll.poll(0):
            part = os.read(reader.answers, _CHUNK)
            if not part:
                reader.ended = True
                return
            reader.heard += part

    def _start(self) -> _Reader:
        with contextlib.ExitStack() as opened:
            try:
                pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                ours, theirs = map(opened.enter_context, pair)
                answers, answering = os.pipe()
                for number in (answers, answering):
                    opened.callback(os.close, number)
                gc.freeze()
                pid = os.fork()
            except OSError as error:
                raise ReaderError(f"readers: cannot be started: {error.strerror}") from error
            if pid == 0:
                self._be(theirs, answering)
            opened.pop_all()
        theirs.close()
        os.close(answering)
        reader = _Reader(pid, ours, answers)
        self._readers.append(reader)
        return reader

    def _be(self, orders: socket.socket, answers: int) -> None:
        """Be a reader, and nothing else after it."""
        status = 1
        try:
            bounds.keep_only({orders.fileno(), answers})
            self._confine()
            _serve(self._look, orders, answers, self._seconds)
            status = 0
        finally:
            os._exit(status)

    def _end(self, reader: _Reader) -> None:
        self._readers.remove(reader)
        reader.orders.close()
        os.close(reader.answers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(reader.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(reader.pid, 0)


def _is_idle(reader: _Reader) -> bool:
    return time.monotonic() - reader.since > _IDLE


def _whole(heard: bytearray) -> bytes | None:
    """Take the first whole answer out of what was heard; b"" for one that is too long."""
    if len(heard) < _LENGTH.size:
        return None
    [length] = _LENGTH.unpack_from(heard)
    if length > _LONGEST:
        return b""
    if len(heard) < _LENGTH.size + length:
        return None
    answer = bytes(heard[_LENGTH.size : _LENGTH.size + length])
    del heard[: _LENGTH.size + length]
    return answer


def _decoded(answer: bytes) -> Result | None:
    with contextlib.suppress(msgspec.MsgspecError, ValueError, RecursionError):
        return packing.unpack(answer, Result)
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
        clock.start()
        bounds.attempt(_looking(look, descriptor), path, result, seconds)
        clock.stop()
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
