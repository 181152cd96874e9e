"""A door: accept, shake hands, answer one request after the other, bounded in everything. EDGE."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import faults
from agent.collector import message, wire
from agent.collector.message import RequestError
from agent.collector.receiving import refusal
from checks.errors import HygieneError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agent.collector.gate import Gate
    from agent.collector.message import Answer, Request
    from agent.collector.wire import Link

    Answering = Callable[[Request, Link, tuple[str, ...]], Awaitable[Answer]]

_BACKLOG: Final = 1024
_CROWDED: Final = 0.1
_LAST_ANSWERS: Final = 5.0


class ServerError(HygieneError):
    """The receiver cannot listen."""


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


class Door(NamedTuple):
    """A listener. clients: PEM of the authorities of those who may come in."""

    address: Address
    clients: Path


class Listener:
    """A door that is open: who comes in is answered by `answer`."""

    def __init__(
        self,
        door: Door,
        gate: Gate,
        make: Callable[[], ssl.SSLContext],
        answer: Answering,
    ) -> None:
        self._gate, self._make, self._answer = gate, make, answer
        self._context = make()
        self._sessions: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self.socket = _bound(door.address)

    def reload(self) -> None:
        """Take certificates and keys anew; raises ContextError, and the old ones stay."""
        self._context = self._make()

    async def serve(self) -> None:
        """Let in whoever comes."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self.socket)
            except OSError:  # no descriptor is free, or the other side has gone already
                await asyncio.sleep(_CROWDED)
                continue
            session = asyncio.create_task(self._session(connection, address[0]))
            self._sessions.add(session)
            session.add_done_callback(self._sessions.discard)

    async def finish(self) -> None:
        """Give the last answers, and close what is idle."""
        self.socket.close()
        for session in self._sessions - self._busy:
            session.cancel()
        if self._sessions:
            await asyncio.wait(self._sessions, timeout=_LAST_ANSWERS)

    async def _session(self, connection: socket.socket, address: str) -> None:
        """Serve one connection; what goes wrong with it ends it, and it alone."""
        try:
            with self._gate.connection() as free:
                if free:
                    await self._shaken(connection, address)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - a traceback may repeat what was sent
            say(f"internal error: {faults.where(error)}")
        finally:
            connection.close()

    async def _shaken(self, connection: socket.socket, address: str) -> None:
        with self._gate.arriving(address) as free:
            if not free:
                return
            link = await wire.accepted(connection, self._context)
        try:
            names = link.names
            with self._gate.session("\0".join(names)) as free:
                if free:
                    await self._answered(link, names)
        finally:
            link.close()

    async def _answered(self, link: Link, names: tuple[str, ...]) -> None:
        """Answer one request after the other."""
        task = asyncio.current_task()
        assert task is not None
        while (head := await _head(link)) is not None:
            self._busy.add(task)
            try:
                last = await self._one(head, link, names)
            finally:
                self._busy.discard(task)
            if last or self.socket.fileno() < 0:
                await link.linger()
                return

    async def _one(self, head: bytes, link: Link, names: tuple[str, ...]) -> bool:
        """Answer one request; True if it is the last one."""
        try:
            request = message.parse(head)
            answer = await self._answer(request, link, names)
        except RequestError as error:
            answer = refusal(error.status, str(error), last=True)
        else:
            answer = answer._replace(last=answer.last or request.last)
        await link.send(message.written(answer))
        return answer.last


async def _head(link: Link) -> bytes | None:
    try:
        return await link.head()
    except RequestError as error:
        await link.send(message.written(refusal(error.status, str(error), last=True)))
        await link.linger()
        return None


def _bound(address: Address) -> socket.socket:
    try:
        [(family, *_, place), *_] = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the socket's own word
    except OSError as error:
        raise ServerError(f"{address.host}:{address.port}: {error.strerror}") from error
    return listener


def say(line: str) -> None:
    """Tell whoever runs the receiver."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
        sys.stderr.flush()
