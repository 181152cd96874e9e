"""Asking in plain HTTP: an answer is read, anything else is None, in time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls import plain
from checks.tls.facts import Target

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def answering(*parts: bytes, pause: float = 0.0) -> Iterator[int]:
    """Answer one connection in parts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                link, _ = listener.accept()
                with link:
                    link.recv(4096)
                    for part in parts:
                        link.sendall(part)
                        time.sleep(pause)

        thread = threading.Thread(target=run)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_redirect_is_read_in_whatever_parts_it_comes() -> None:
    """The head is enough."""
    parts = (b"HTTP/1.1 301 Gone\r\nLoc", b"ation: https://a.test/\r\n\r\n", b"page")
    with answering(*parts, pause=0.01) as port:
        facts = plain.observe(Target("127.0.0.1", port, "a.test"))
    assert facts is not None
    assert facts.http is not None
    assert (facts.http.status, facts.http.location) == (301, "https://a.test/")
    assert not facts.speaks_tls


@pytest.mark.parametrize("said", [b"SSH-2.0-x\r\n\r\n", b"", b"\x15\x03\x03\x00\x02\x02\x46"])
def test_other_answers_are_none(said: bytes) -> None:
    """Who speaks no HTTP has no page."""
    with answering(said) as port:
        assert plain.observe(Target("127.0.0.1", port)) is None
    assert plain.observe(Target("127.0.0.1", port)) is None


def test_a_dripping_peer_ends_in_time() -> None:
    """What has come by then counts."""
    with answering(*(bytes([byte]) for byte in b"HTTP/1.1 200 OK\r\nX: y"), pause=0.05) as port:
        began = time.monotonic()
        facts = plain.observe(Target("127.0.0.1", port), seconds=0.3)
        assert time.monotonic() - began < 1
    assert facts is None
