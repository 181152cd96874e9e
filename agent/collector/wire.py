"""One TLS connection, read and written without ever waiting for longer than is said. EDGE.

asyncio's own TLS keeps 256 KiB for each connection; hosts stay connected, so sockets are driven
here by OpenSSL itself, which keeps a tenth of that (tests/bench/results-collect.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agent.collector import message
from agent.collector.message import RequestError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")
_PIECE: Final = 64 * 1024
_HANDSHAKE: Final = 10.0
_IDLE: Final = 900.0
"""Seconds that a host may be silent on a connection."""
_HEAD: Final = 10.0
_BODY: Final = 60.0
_ANSWER: Final = 30.0
_LINGER: Final = 2.0


class Link:
    """A connection whose handshake is done."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._socket = connection
        self._read = bytearray()

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the other side's certificate, which was verified."""
        return names(self._socket.getpeercert() or {})

    async def head(self) -> bytes | None:
        """Give the next request's head, None when there is none any more; raises RequestError."""
        if not self._read and not await self._fill(_IDLE):
            return None
        searched = 0
        async with asyncio.timeout(_HEAD):
            while (end := self._read.find(b"\r\n\r\n", searched)) < 0:
                if len(self._read) > message.LONGEST:
                    break
                searched = max(len(self._read) - 3, 0)
                if not await self._fill(_HEAD):
                    return None
        if not 0 <= end <= message.LONGEST:
            raise RequestError("the head is too long")
        head = bytes(self._read[:end])
        del self._read[: end + 4]
        return head

    async def body(self, length: int) -> bytes | None:
        """Give a body, None when the connection ended before it did."""
        async with asyncio.timeout(_BODY):
            while len(self._read) < length:
                if not await self._fill(_BODY):
                    return None
        body = bytes(self._read[:length])
        del self._read[:length]
        return body

    async def discard(self, length: int) -> bool:
        """Pass over a body without keeping it; False when the connection ended before it did."""
        async with asyncio.timeout(_BODY):
            while len(self._read) < length:
                length -= len(self._read)
                self._read.clear()
                if not await self._fill(_BODY):
                    return False
        del self._read[:length]
        return True

    async def send(self, data: bytes) -> None:
        """Write everything."""
        view = memoryview(data)
        async with asyncio.timeout(_ANSWER):
            while view:
                act = functools.partial(self._socket.send, view[:_PIECE])
                view = view[await _done(self._socket, act) :]

    async def linger(self) -> None:
        """Let the other side read the last answer: what it still sends would cut it off."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_LINGER):
                while await self._fill(_LINGER):
                    self._read.clear()

    async def _fill(self, seconds: float) -> bool:
        """Read some more; False when there is no more."""
        async with asyncio.timeout(seconds):
            piece = await _done(self._socket, functools.partial(self._socket.recv, _PIECE))
        self._read += piece
        return bool(piece)

    def close(self) -> None:
        """End it, saying so where that can be said at once."""
        with contextlib.suppress(OSError, ValueError):
            self._socket.unwrap()
        self._socket.close()


async def accepted(connection: socket.socket, context: ssl.SSLContext) -> Link:
    """Do the handshake; raises OSError or TimeoutError. The connection is closed then."""
    connection.setblocking(False)  # noqa: FBT003 - the socket's own word
    wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    try:
        async with asyncio.timeout(_HANDSHAKE):
            await _done(wrapped, wrapped.do_handshake)
    except BaseException:
        wrapped.close()
        raise
    return Link(wrapped)


async def _done(connection: ssl.SSLSocket, act: Callable[[], _T]) -> _T:
    """Do something to a socket, waiting while it cannot be done."""
    while True:
        try:
            return act()
        except ssl.SSLWantReadError:
            await _ready(connection, writing=False)
        except ssl.SSLWantWriteError:
            await _ready(connection, writing=True)


async def _ready(connection: ssl.SSLSocket, *, writing: bool) -> None:
    loop, number = asyncio.get_running_loop(), connection.fileno()
    ready = loop.create_future()
    add, remove = (
        (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    )
    add(number, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        remove(number)


def names(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the common names of a certificate as `ssl` shows it, then its DNS names and URIs."""
    found = [
        value
        for relative in certificate.get("subject", ())
        for kind, value in relative
        if kind == "commonName"
    ]
    others = certificate.get("subjectAltName", ())
    found += [value for kind, value in others if kind in {"DNS", "URI"}]
    return tuple(dict.fromkeys(one for one in found if one))
