"""Serve hosts and viewers until told to stop. EDGE.

Hosts and viewers have listeners of their own, each with its own authorities: a certificate for one
is nothing to the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.collector import contexts
from agent.collector.gate import Bounds, Gate
from agent.collector.listener import Door, Listener, ServerError, say
from agent.collector.receiving import Receiving
from agent.collector.store import Store
from agent.collector.viewing import Viewing
from agent.collector.writer import Writer
from agent.sdnotify import Notifier
from checks.errors import HygieneError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

    from agent.collector.contexts import Own
    from agent.collector.hosts import Rule
    from agent.collector.listener import Answering
    from agent.collector.store import Limits

_READERS: Final = 2
_VIEWERS: Final = Bounds(connections=128, by_address=64, by_name=16)
_OTHER_FILES: Final = 256
"""Files and connections that are open besides those of hosts."""


class Options(NamedTuple):
    """What to serve. view: None where nobody looks over the network; silent: seconds."""

    state: Path
    own: Own
    hosts: Door
    view: Door | None
    rule: Rule
    crl: Path | None
    limits: Limits
    silent: float
    bounds: Bounds = Bounds()


def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT; raises ServerError, ContextError or StoreError."""
    _need_descriptors(options.bounds.connections + _OTHER_FILES)
    store = Store(options.state, options.limits)
    with contextlib.closing(store), _alone(options.state):
        writer = Writer(store)
        with contextlib.closing(writer):
            asyncio.run(_Server(options, writer).serve())


def _need_descriptors(count: int) -> None:
    """Raise this process's limit of open files; raises ServerError where that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise ServerError(
            f"{count} open files are needed and {hard} allowed\n"
            "hint: raise LimitNOFILE, or lower --most-connections"
        )
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Be the only one that serves from a folder."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(state / "serving", flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise ServerError(f"{state}: another receiver serves from it") from error
    finally:
        os.close(lock)


class _Server:
    """All that serves, wired."""

    def __init__(self, options: Options, writer: Writer) -> None:
        self._options, self._writer = options, writer
        self._readers = ThreadPoolExecutor(_READERS, "reader")
        self._stop = asyncio.Event()

    async def serve(self) -> None:
        listeners = self._listeners()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        with Notifier(os.environ) as notifier:
            loop.add_signal_handler(signal.SIGHUP, self._reload, listeners)
            serving = [asyncio.create_task(one.serve()) for one in listeners]
            for one in listeners:
                host, port = one.socket.getsockname()[:2]
                say(f"listening on {f'[{host}]' if ':' in host else host}:{port}")
            notifier.ready()
            await self._stop.wait()
            notifier.stopping()
            for task in serving:
                task.cancel()
            await asyncio.gather(*(one.finish() for one in listeners))
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _listeners(self) -> list[Listener]:
        options = self._options
        gate = Gate(options.bounds)
        receiving = Receiving(self._writer, gate, options.rule, self._readers)
        made = [_listener(options, options.hosts, gate, receiving.answer)]
        if options.view is not None:
            viewing = Viewing(options.state, options.silent)
            made.append(_listener(options, options.view, Gate(_VIEWERS), viewing.answer))
        return made

    def _reload(self, listeners: list[Listener]) -> None:
        for one in listeners:
            try:
                one.reload()
            except HygieneError as error:
                say(f"{error}; keeping the certificates from before")
        say("reloaded")


def _listener(
    options: Options,
    door: Door,
    gate: Gate,
    answer: Answering,
) -> Listener:
    def make() -> ssl.SSLContext:
        return contexts.make(options.own, door.clients, options.crl)

    return Listener(door, gate, make, answer)
