"""Keep to a pace with one listener: few connections at a time, and few a second. EDGE.

Everybody who asks one listener shares its pace; threads may.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from checks.tls.restraint import Rate

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE: Final = 2
"""Connections to one listener that are open at the same time."""


class Pace:
    """The pace of one listener."""

    def __init__(self, rate: Rate | None = None) -> None:
        """Begin with a rate of one's own, or the usual one."""
        self._rate = rate or Rate()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(AT_ONCE)

    @contextlib.contextmanager
    def turn(self, until: float) -> Iterator[None]:
        """Wait for the next connection's turn, and hold it; raises TimeoutError after UNTIL."""
        if not self._places.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError
        try:
            self._wait(until)
            yield
        finally:
            self._places.release()

    def _wait(self, until: float) -> None:
        now = time.monotonic()
        with self._lock:
            wait = self._rate.take(now)
        if now + wait > until:
            raise TimeoutError
        if wait:
            time.sleep(wait)

    def slow(self) -> None:
        """Pause, and go on more slowly: the listener takes fewer connections than it was asked."""
        with self._lock:
            self._rate.slow(time.monotonic())


class Paces:
    """The paces of all listeners of one run."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int], Pace] = {}

    def of(self, host: str, port: int) -> Pace:
        """Give the pace of a listener, always the same one."""
        with self._lock:
            return self._known.setdefault((host, port), Pace())
