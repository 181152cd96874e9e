"""Listeners are found in a thread: nobody waits, and what is excluded meanwhile is not believed."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from agent.discovery import Discovery
from tests.agent import network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.endpoints import Found


class Greeting:
    """A listener that greets as a server without TLS does, and counts who came."""

    def __init__(self) -> None:
        self.came = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._server.accept()
                self.came += 1
                with line:
                    line.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    line.recv(1000)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@pytest.fixture
def greeting() -> Iterator[Greeting]:
    with network.apart(), contextlib.closing(Greeting()) as one:
        yield one


@pytest.fixture
def discovery(greeting: Greeting) -> Iterator[Discovery]:
    assert greeting.port
    with contextlib.closing(Discovery()) as one:
        yield one


def taken(discovery: Discovery) -> Found:
    """Wait for what is found."""
    end = time.monotonic() + 60
    while (found := discovery.take()) is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def test_who_was_asked_is_asked_anew_when_told_so(discovery: Discovery, greeting: Greeting) -> None:
    """Else what it speaks is remembered, as long as its socket is the same."""
    discovery.begin(())
    found = taken(discovery)
    (heard,) = (one.listener for one in found.heard if one.listener.port == greeting.port)
    before = greeting.came
    assert before > 0
    discovery.begin(())
    taken(discovery)
    assert greeting.came == before
    discovery.forget(heard)
    discovery.begin(())
    taken(discovery)
    assert greeting.came > before


def test_a_look_that_was_dropped_is_not_believed(discovery: Discovery) -> None:
    """Nothing is known until one was made by what is excluded now."""
    assert not discovery.known
    discovery.begin(())
    assert discovery.going
    discovery.drop()
    assert (discovery.take(), discovery.going, discovery.known) == (None, False, False)
    discovery.begin(("127.0.0.1:*",))
    (heard,) = taken(discovery).heard
    assert heard.spoken is None
    assert discovery.known
    assert discovery.take() is None
