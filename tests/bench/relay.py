"""Stand between probes and servers and count connections: how many, and how many at one time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHUNK: Final = 1 << 16

Place = tuple[str, int] | str
"""Where a server listens: host and port, or the path of a socket."""


class Counted(NamedTuple):
    """Connections that came, and the most that were there at one time."""

    connections: int
    at_once: int


class Relay:
    """Passes on what comes in at its port to one server."""

    def __init__(self, place: Place) -> None:
        """Take where the server listens; the relay's own port is a free one of loopback."""
        self._place = place
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        self._came = self._now = self._most = 0
        self._tasks: set[asyncio.Task[None] | None] = set()
        """The loop itself keeps no hold of what still has bytes to pass on."""

    @property
    def counted(self) -> Counted:
        """What came since the last call of `reset`."""
        return Counted(self._came, self._most)

    def reset(self) -> None:
        """Count anew."""
        self._came = self._most = 0

    async def serve(self) -> None:
        """Listen until cancelled."""
        server = await asyncio.start_server(self._kept, sock=self._socket)
        async with server:
            await server.serve_forever()

    async def _kept(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._meet(source, sink)
        finally:
            self._tasks.discard(task)

    async def _meet(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        self._came, self._now = self._came + 1, self._now + 1
        self._most = max(self._most, self._now)
        try:
            reader, writer = await self._onward()
        except OSError:
            sink.close()
            self._now -= 1
            return
        back = asyncio.create_task(_pass(reader, sink))
        await _pass(source, writer)
        self._now -= 1  # the client hung up, whatever the server still has to say
        await back

    async def _onward(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._place, str):
            return await asyncio.open_unix_connection(self._place)
        return await asyncio.open_connection(*self._place)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on all that comes one way; the end of it ends the other way too."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def relays(places: Sequence[Place]) -> Iterator[list[Relay]]:
    """Run a relay before each place, all in one thread; stopped at the end."""
    made = [Relay(place) for place in places]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_run, args=(loop, made), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(_stop, loop)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, made: Sequence[Relay]) -> None:
    asyncio.set_event_loop(loop)
    with contextlib.suppress(asyncio.CancelledError):
        loop.run_until_complete(asyncio.gather(*(relay.serve() for relay in made)))
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
