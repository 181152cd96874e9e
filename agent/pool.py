"""Share work among forked processes that may crash, hang or run out of memory, one item at a time.

The parent hands out batches of paths and takes results; each worker says in shared memory which
item it is at, so that an item which kills its worker is known, reported and not tried again.
"""

from __future__ import annotations

import contextlib
import gc
import mmap
import os
import select
import signal
import struct
import time
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import bounds, packing
from checks.errors import HygieneError
from checks.model import Inconclusive
from checks.scanned import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Work = Callable[[str, Result], None]

MOST_PATHS: Final = 160
MOST_BYTES: Final = 16 * 1024
"""With the batches given ahead this stays under a pipe's buffer, so that sending never blocks."""
AHEAD: Final = 2
_LENGTH: Final = struct.Struct("=I")
_AT: Final = struct.Struct("=q")
_GRACE: Final = 6.0
"""Seconds after which a worker that did not heed its alarms is killed."""
_BETWEEN: Final = -1
"""The position of a worker that is at no item: it reads its orders or sends its result."""
_TICK: Final = 1000
"""Milliseconds between two looks at workers that give nothing."""


class PoolError(HygieneError):
    """Processes that cannot be started."""


class _Worker(NamedTuple):
    pid: int
    requests: int
    results: int
    at: mmap.mmap


class Batch(NamedTuple):
    """Paths that a worker is given at once. buffer: a number of the caller's, for what they need.

    The buffers of batches whose results have not come are those `in_use`.
    """

    paths: list[str]
    buffer: int = -1


class Pool:
    """Runs WORK over paths in a number of processes."""

    def __init__(self, work: Work, processes: int, seconds: int) -> None:
        """Keep what to do; seconds: how long one item may take. Nothing is started yet."""
        self._work = work
        self._processes = processes
        self._seconds = seconds
        self._workers: dict[int, _Worker] = {}
        self._given: dict[int, list[Batch]] = {}
        self._again: list[Batch] = []
        self._seen: dict[int, tuple[int, float]] = {}
        """Where each worker was when it last moved on, and when that was."""
        self._late: set[int] = set()

    def run(self, paths: Iterable[str]) -> Iterator[Result]:
        """Give the results of all paths, in the order they arrive; stops every process it began.

        Raises PoolError when a process cannot be started.
        """
        return self.run_batches(_batches(iter(paths)))

    @property
    def in_use(self) -> set[int]:
        """Give the buffers of all batches that were taken and are not done with."""
        batches = [*self._again, *chain.from_iterable(self._given.values())]
        return {batch.buffer for batch in batches}

    def run_batches(self, batches: Iterator[Batch]) -> Iterator[Result]:
        """Do the same for batches, of which `AHEAD` a process at most are taken and not done.

        A batch has MOST_PATHS paths at most, of MOST_BYTES together but for the last one. One
        without paths says that the next has to wait until others are done.
        """
        gc.freeze()
        try:
            for _ in range(self._processes):
                self._start()
            yield from self._feed(batches)
        finally:
            for worker in list(self._workers.values()):
                self._stop(worker, kill=True)
            gc.unfreeze()

    def _feed(self, batches: Iterator[Batch]) -> Iterator[Result]:
        again = self._again
        exhausted = False
        while True:
            for number, given in self._given.items():
                while len(given) < AHEAD and not (exhausted and not again):
                    batch = again.pop() if again else next(batches, None)
                    if batch is None:
                        exhausted = True
                    if batch is None or not batch.paths:
                        break
                    if not given:
                        self._seen[number] = _BETWEEN, time.monotonic()
                    given.append(batch)
                    self._send(self._workers[number], batch)
            if not any(self._given.values()):
                return
            yield from self._collect()

    def _collect(self) -> Iterator[Result]:
        waiting = [number for number, given in self._given.items() if given]
        poll = select.poll()  # select() refuses descriptors over 1023
        for number in waiting:
            poll.register(number, select.POLLIN)
        ready = [number for number, _ in poll.poll(_TICK)]
        for number in ready:
            data = _receive(number)
            if data is None:
                yield self._bury(number)
            else:
                self._given[number].pop(0)
                self._seen[number] = _BETWEEN, time.monotonic()
                yield packing.unpack(data, Result)
        for number in set(waiting).difference(ready):
            self._watch(number)

    def _watch(self, number: int) -> None:
        """Kill a worker that has been at one item for longer than its own alarm allows."""
        worker, now = self._workers[number], time.monotonic()
        position = int(_AT.unpack_from(worker.at)[0])
        before, since = self._seen[number]
        if position != before:
            self._seen[number] = position, now
        elif now - since > self._seconds + _GRACE:
            self._late.add(number)
            os.kill(worker.pid, signal.SIGKILL)

    def _bury(self, number: int) -> Result:
        """Take a dead worker's batches: done items are repeated, the deadly one is reported.

        Where none is known to be (their result was too much, say), each is tried alone.
        """
        worker, (batch, *others) = self._workers[number], self._given[number]
        position = int(_AT.unpack_from(worker.at)[0])
        reason = bounds.SLOW if number in self._late else bounds.CRASHED
        self._stop(worker, kill=False)
        self._start()
        self._again += others
        paths = batch.paths
        if position == _BETWEEN and len(paths) > 1:
            self._again += [Batch([path], batch.buffer) for path in paths]
            return Result()
        position = max(position, 0)
        if rest := paths[:position] + paths[position + 1 :]:
            self._again.append(Batch(rest, batch.buffer))
        return Result(inconclusive=[Inconclusive(paths[position], reason)])

    def _start(self) -> None:
        """Start a worker; an interruption waits until it is known, so that none is left behind."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._fork()
        except OSError as error:
            message = f"processes: cannot be started: {error.strerror}"
            raise PoolError(message) from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _fork(self) -> None:
        requests_in, requests_out = os.pipe()
        results_in, results_out = os.pipe()
        at = mmap.mmap(-1, _AT.size)
        _AT.pack_into(at, 0, _BETWEEN)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for worker in self._workers.values():
                    os.close(worker.requests)
                    os.close(worker.results)
                os.close(requests_out)
                os.close(results_in)
                _serve(self._work, requests_in, results_out, at, self._seconds)
                status = 0
            finally:
                os._exit(status)
        os.close(requests_in)
        os.close(results_out)
        self._workers[results_in] = _Worker(pid, requests_out, results_in, at)
        self._given[results_in] = []

    def _stop(self, worker: _Worker, *, kill: bool) -> None:
        del self._workers[worker.results], self._given[worker.results]
        self._late.discard(worker.results)
        os.close(worker.requests)
        os.close(worker.results)
        if kill:
            os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)
        worker.at.close()

    def _send(self, worker: _Worker, batch: Batch) -> None:
        data = os.fsencode("\0".join(batch.paths))  # no path has a zero byte
        with contextlib.suppress(BrokenPipeError):  # a dead worker shows when its results end
            _write(worker.requests, _LENGTH.pack(len(data)) + data)


def _batches(paths: Iterator[str]) -> Iterator[Batch]:
    batch: list[str] = []
    size = 0
    for path in paths:
        batch.append(path)
        size += len(path) if path.isascii() else len(os.fsencode(path))
        if len(batch) == MOST_PATHS or size > MOST_BYTES:
            yield Batch(batch)
            batch, size = [], 0
    if batch:
        yield Batch(batch)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _receive(descriptor: int) -> bytes | None:
    """Read one framed message; None when the other side has ended."""
    head = _exactly(descriptor, _LENGTH.size)
    return None if head is None else _exactly(descriptor, _LENGTH.unpack(head)[0])


def _exactly(descriptor: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _serve(work: Work, requests: int, results: int, at: mmap.mmap, seconds: int) -> None:
    """Run in a worker: look at the items of each batch until the parent closes the pipe."""
    clock = bounds.begin(seconds)
    while (data := _receive(requests)) is not None:
        result = bounds.blank()
        for position, path in enumerate(os.fsdecode(data).split("\0")):
            _AT.pack_into(at, 0, position)
            clock.start()
            bounds.attempt(work, path, result, seconds)
            clock.stop()
        _AT.pack_into(at, 0, _BETWEEN)
        reply = packing.pack(result)
        _write(results, _LENGTH.pack(len(reply)) + reply)
