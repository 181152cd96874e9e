"""One connection to a target, read and written under a deadline, and ended in good order. EDGE."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Final

from checks.tls import starttls
from checks.tls.wire import WireError

if TYPE_CHECKING:
    from checks.tls.facts import Target

_CHUNK: Final = 64 * 1024


class Line:
    """A connection; whatever it does raises OSError (TimeoutError past its deadline)."""

    def __init__(self, target: Target, until: float) -> None:
        """Connect, and have the server change to TLS where it begins without.

        Raises WireError too, where it does not offer to. until: on the monotonic clock.
        """
        self._until = until
        self._ended = False
        self._link = socket.create_connection((target.host, target.port), left(until))
        try:
            self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.starttls:
                self._upgrade(target)
        except BaseException:
            self._link.close()
            raise

    def say(self, data: bytes) -> None:
        """Send everything."""
        if data:
            self._link.settimeout(left(self._until))
            self._link.sendall(data)

    def hear(self, until: float | None = None) -> bytes:
        """Give what comes next, b"" at the end."""
        end = self._until if until is None else min(until, self._until)
        self._link.settimeout(left(end))
        data = self._link.recv(_CHUNK)
        self._ended = not data
        return data

    def close(self) -> None:
        """Hang up at once: what has not been read yet makes it a reset."""
        self._link.close()

    def leave(self, words: bytes, seconds: float) -> tuple[bytes, bool]:
        """Say the last words and hang up; give what still came, and whether the peer hung up too.

        seconds: to wait for that; a peer that is hung up on while it speaks logs a reset.
        """
        heard, until = b"", time.monotonic() + seconds
        with contextlib.suppress(OSError), contextlib.closing(self._link):
            self.say(words)
            self._link.shutdown(socket.SHUT_WR)
            while not self._ended and len(heard) < _CHUNK:
                heard += self.hear(until)
        return heard, self._ended

    def _upgrade(self, target: Target) -> None:
        dialogue = starttls.dialogue(target.starttls, target.server_name)
        said = next(dialogue)
        while True:
            self.say(said)
            data = self.hear()
            if not data:
                raise WireError("server: hung up before TLS began")
            try:
                said = dialogue.send(data)
            except StopIteration as end:
                self.say(end.value)
                return


def left(until: float) -> float:
    """Give the seconds until a time of the monotonic clock; raises TimeoutError for none."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
