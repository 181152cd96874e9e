"""Tell systemd how a service is: ready, alive, reloading, stopping (sd_notify(3)). EDGE.

The socket is connected once, before the process is confined: afterwards it may make no other. Where
systemd did not start the process, nothing is said; where it has gone away, that is no fault.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

SOCKET: Final = "NOTIFY_SOCKET"
_INTERVAL: Final = "WATCHDOG_USEC"
_WATCHED: Final = "WATCHDOG_PID"
_MICRO: Final = 1_000_000
_LONGEST: Final = 1000


class Notifier:
    """Speaks to systemd; every method is safe where nobody listens."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Connect to the socket that the environment names; "@" begins an abstract name."""
        self._socket = _connected(environ.get(SOCKET, ""))
        self.interval = _interval(environ, os.getpid()) if self._socket else 0.0
        """Seconds between two signs of life, half of what systemd waits for; 0: it wants none."""

    @property
    def listening(self) -> bool:
        """Say whether there is somebody to tell."""
        return self._socket is not None

    def ready(self, status: str = "") -> None:
        """Tell that the service works, at its start and after a reload."""
        self._say("READY=1", _status(status))

    def status(self, status: str) -> None:
        """Tell in one line what it is doing."""
        self._say(_status(status))

    def alive(self) -> None:
        """Tell that it lives; within every `interval`."""
        self._say("WATCHDOG=1")

    def reloading(self) -> None:
        """Tell that it takes its settings anew; `ready` ends that."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self, status: str = "") -> None:
        """Tell that it is about to end."""
        self._say("STOPPING=1", _status(status))

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        """Use it in a block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Let go of the socket."""
        self.close()

    def _say(self, *words: str) -> None:
        if self._socket is not None:
            told = "\n".join(word for word in words if word)
            with contextlib.suppress(OSError):  # never wait for who does not read
                self._socket.send(told.encode("utf-8", "replace"), socket.MSG_DONTWAIT)


def _connected(name: str) -> socket.socket | None:
    """Connect; None where the name is not one, or nobody is there."""
    if not name.startswith(("/", "@")):
        return None
    link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        link.connect("\0" + name[1:] if name.startswith("@") else name)
    except OSError:
        link.close()
        return None
    return link


def _interval(environ: Mapping[str, str], pid: int) -> float:
    """Give half the seconds after which systemd takes this process for dead, 0 for never."""
    told, whose = environ.get(_INTERVAL, ""), environ.get(_WATCHED, "") or str(pid)
    if not told.isascii() or not told.isdecimal() or whose != str(pid):
        return 0.0
    return int(told[:18]) / _MICRO / 2


def _status(text: str) -> str:
    """Give a STATUS line; one line, whatever stands in the text."""
    shown = " ".join(text.split())
    return f"STATUS={shown[:_LONGEST]}" if shown else ""
