"""Ask a listener what it speaks, by at most three connections and within a deadline. EDGE."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Final

import msgspec

from checks.tls import greetings, spoken
from checks.tls.line import left
from checks.tls.spoken import Heard, Kind, Spoken

if TYPE_CHECKING:
    from checks.tls.listeners import Listener
    from checks.tls.spoken import Step

_CHUNK: Final = 16 * 1024
SECONDS: Final = 3.0
"""A listener that is not told by then is left for another time."""


def identify(listener: Listener, *, server_name: str = "", seconds: float = SECONDS) -> Spoken:
    """Find out what a listener of this host speaks. server_name: asked for in TLS, "" for none.

    Raises nothing: what could not be found out is a kind that is not `settled`.
    """
    hint = greetings.suggestion(listener.port, listener.executable, listener.command, listener.unit)
    inquiry = spoken.inquiry(os.urandom(32), port=listener.port, hint=hint, server_name=server_name)
    with contextlib.closing(_Line(listener.door, listener.port, seconds)) as line:
        step = next(inquiry)
        while True:
            try:
                step = inquiry.send(line.take(step))
            except StopIteration as end:
                found: Spoken = end.value
                return msgspec.structs.replace(found, connections=line.connections)


class _Line:
    """The connection of the moment, and how many there were."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._address = (host, port)
        self._deadline = time.monotonic() + seconds
        self._link: socket.socket | None = None
        self.connections = 0

    def take(self, step: Step) -> Heard:
        """Take a step of the inquiry."""
        until = min(self._deadline, time.monotonic() + step.patience)
        try:
            link = self._connected(until) if step.fresh or self._link is None else self._link
            if step.said:
                link.settimeout(left(until))
                link.sendall(step.said)
            link.settimeout(left(until))
            data = link.recv(_CHUNK)
        except OSError as error:
            return Heard(end=_reason(error))
        return Heard(data, None if data else Kind.CLOSED)

    def _connected(self, until: float) -> socket.socket:
        self.close()
        seconds = left(until)
        if self.connections == spoken.CONNECTIONS:
            raise TimeoutError
        self.connections += 1
        self._link = socket.create_connection(self._address, seconds)
        return self._link

    def close(self) -> None:
        """Hang up."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _reason(error: OSError) -> Kind:
    if isinstance(error, TimeoutError):
        return Kind.SILENT
    if isinstance(error, ConnectionRefusedError):
        return Kind.REFUSED
    return Kind.RESET if isinstance(error, ConnectionError) else Kind.UNREACHABLE
