"""Which of this host's listeners are asked, and which are left alone from one run to the next."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from agent import endpoints
from checks.tls.restraint import Restraint
from checks.tls.spoken import Kind, Spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Talker:
    """A listener that greets each connection with the same words."""

    def __init__(self, words: bytes) -> None:
        self.words = words
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                with link, contextlib.suppress(OSError):
                    link.settimeout(1)
                    link.sendall(self.words)
                    link.recv(4096)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def talker() -> Iterator[Callable[[bytes], Talker]]:
    made: list[Talker] = []

    def start(words: bytes) -> Talker:
        made.append(Talker(words))
        return made[-1]

    yield start
    for one in made:
        one.close()


def heard_at(found: endpoints.Found, port: int) -> endpoints.Heard:
    """Give what was heard at a port of 127.0.0.1, whoever else listens there on another address."""
    place = "127.0.0.1", port
    (heard,) = (o for o in found.heard if (o.listener.address, o.listener.port) == place)
    return heard


def asked(found: endpoints.Found) -> set[str]:
    """Name the endpoints that are to be asked."""
    return {str(endpoint.target) for endpoint in found.endpoints}


def spoken(found: endpoints.Found, port: int) -> str | None:
    """Name what a listener was found to speak, None where it was left alone."""
    heard = heard_at(found, port)
    return heard.spoken.protocol if heard.spoken else None


def test_who_speaks_no_tls_is_not_asked_again(talker: Callable[[bytes], Talker]) -> None:
    """A later run knows what the first found out; without its memory it asks and hears anew."""
    one, memory = talker(b"SSH-2.0-OpenSSH_9.2\r\n"), Restraint()
    assert spoken(endpoints.discovered((), memory), one.port) == "ssh"
    one.words = b"RFB 003.008\n"
    assert spoken(endpoints.discovered((), memory), one.port) == "ssh"
    assert spoken(endpoints.discovered(()), one.port) == "vnc"


def test_who_was_asked_too_often_rests_and_is_told(talker: Callable[[bytes], Talker]) -> None:
    """Past the cap nothing is asked, and the report says why."""
    strange, memory = talker(b""), Restraint(most=1)
    first = endpoints.discovered((), memory)
    assert any(one.path.endswith(f"127.0.0.1:{strange.port}") for one in first.unseen)
    strange.words = b"SSH-2.0-OpenSSH_9.2\r\n"
    again = endpoints.discovered((), memory)
    (why,) = (one.reason for one in again.unseen if one.path.endswith(f"127.0.0.1:{strange.port}"))
    assert why == "left alone: too many failed handshakes within the hour"
    assert spoken(again, strange.port) is None
    assert spoken(endpoints.discovered(()), strange.port) == "ssh"


def test_an_excluded_listener_is_never_asked(talker: Callable[[bytes], Talker]) -> None:
    """It is listed as one that was left alone, and another beside it is asked."""
    one, other = talker(b"SSH-2.0-x\r\n"), talker(b"SSH-2.0-x\r\n")
    found = endpoints.discovered([f"127.0.0.1:{one.port}"])
    assert (spoken(found, one.port), spoken(found, other.port)) == (None, "ssh")


def test_who_spoke_tls_is_remembered_until_it_is_forgotten(
    talker: Callable[[bytes], Talker],
) -> None:
    """Its socket being the same, it is not asked again what it speaks; then it is."""
    one, memory = talker(b"SSH-2.0-OpenSSH_9.2\r\n"), Restraint()
    heard = heard_at(endpoints.discovered(()), one.port)
    memory.learned(heard.listener, Spoken(Kind.TLS), 0)
    found = endpoints.discovered((), memory)
    assert f"127.0.0.1:{one.port}" in asked(found)
    memory.forget(heard.listener)
    found = endpoints.discovered((), memory)
    assert f"127.0.0.1:{one.port}" not in asked(found)
    assert spoken(found, one.port) == "ssh"
