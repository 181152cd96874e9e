"""Find out in a thread, again and again, what listens on this host and speaks TLS. EDGE.

A listener that hangs is waited for there, and nobody else has to.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING

from agent import endpoints
from checks.tls.listeners import Lister
from checks.tls.restraint import Restraint

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from agent.endpoints import Found
    from checks.tls.listeners import Listener


class Discovery:
    """What was found out of each listener is remembered as long as its sockets are the same."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._pool = ThreadPoolExecutor(1)
        self._memory, self._lister = Restraint(), Lister()
        self._forgotten: SimpleQueue[Listener] = SimpleQueue()
        self._going: Future[Found] | None = None
        self.known = False
        """Something was found since the last `drop`."""

    def begin(self, exclude: Sequence[str]) -> None:
        """Look once, leaving alone what the globs exclude, unless one look goes on."""
        if self._going is None:
            self._going = self._pool.submit(self._look, exclude)

    @property
    def going(self) -> bool:
        """A look was begun whose result was not taken."""
        return self._going is not None

    def take(self) -> Found | None:
        """Give what was found, once; None where nothing was since the last time."""
        if self._going is None or not self._going.done():
            return None
        found, self._going = self._going.result(), None
        self.known = True
        return found

    def drop(self) -> None:
        """Believe nothing of before, nor of a look that goes on: others are excluded by now."""
        self._going, self.known = None, False

    def forget(self, listener: Listener) -> None:
        """Ask a listener anew in the next look that begins, although its sockets are the same."""
        self._forgotten.put(listener)

    def close(self) -> None:
        """Wait for no look that goes on."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _look(self, exclude: Sequence[str]) -> Found:
        while not self._forgotten.empty():
            self._memory.forget(self._forgotten.get())
        return endpoints.discovered(exclude, self._memory, self._lister.look)
