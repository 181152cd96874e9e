"""Write batches of many hosts together: one wait for the disk serves all that came meanwhile. EDGE.

A batch is acknowledged when the transaction that it is part of has ended, and not before.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import HygieneError

if TYPE_CHECKING:
    from agent.collector.batch import Batch
    from agent.collector.hosts import Speaker
    from agent.collector.intake import Taken
    from agent.collector.store import Store

_TOGETHER: Final = 64
_WAITING: Final = 256
"""Batches that may wait; of more it is said that they should come later."""
_TIDY: Final = 900.0
_BIT_BY_BIT: Final = 1.0


class BusyError(HygieneError):
    """Too much is waiting; come again later."""


class _Job(NamedTuple):
    batch: Batch
    who: Speaker
    done: Future[Taken]


class Writer:
    """The one thread that writes."""

    def __init__(self, store: Store) -> None:
        """Begin to work."""
        self._store = store
        self._jobs: queue.Queue[_Job | None] = queue.Queue(_WAITING)
        self._tidied = 0.0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Batch, who: Speaker) -> Future[Taken]:
        """Have a batch written; raises BusyError.

        The result comes when it is on the disk; it may be a StoreError, and nothing was taken, or
        one of the errors of `Store.take`.
        """
        job = _Job(batch, who, Future())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise BusyError("too many batches are waiting") from None
        return job.done

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            jobs = self._gathered()
            going = None not in jobs
            self._write([job for job in jobs if job is not None])
            self._tidy()

    def _gathered(self) -> list[_Job | None]:
        """Wait for a batch, and take those that wait behind it too."""
        jobs: list[_Job | None] = []
        with contextlib.suppress(queue.Empty):
            jobs.append(self._jobs.get(timeout=_BIT_BY_BIT))
            while len(jobs) < _TOGETHER:
                jobs.append(self._jobs.get_nowait())
        return jobs

    def _write(self, jobs: list[_Job]) -> None:
        results: list[Taken | HygieneError] = []
        try:
            if jobs:
                with self._store.together():
                    results = [self._taken(job) for job in jobs]
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
            for job in jobs:
                job.done.set_exception(error)
            return
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, HygieneError):
                job.done.set_exception(result)
            else:
                job.done.set_result(result)

    def _taken(self, job: _Job) -> Taken | HygieneError:
        """Take one batch; what is wrong with it is told to its sender only."""
        try:
            return self._store.take(job.batch, job.who, time.time())
        except HygieneError as error:
            return error

    def _tidy(self) -> None:
        """Now and then delete what is over for long, and count what is open."""
        if time.monotonic() < self._tidied:
            return
        self._tidied = time.monotonic() + _TIDY
        with contextlib.suppress(HygieneError):  # it is tried again
            if self._store.tidy(time.time()):
                self._tidied = time.monotonic() + _BIT_BY_BIT
            self._store.count(time.time())
