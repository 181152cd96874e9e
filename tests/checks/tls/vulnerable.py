"""A relay in front of a real server that has the weakness a test wants. Found by path."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    Handler = Callable[[socket.socket], object]
    Bad = Callable[[int, int, bytes], bytes | None]

_QUIET = 0.3
_PATIENCE = 5.0


@contextlib.contextmanager
def serving(handler: Handler, host: str = "127.0.0.1") -> Iterator[int]:
    """Give each connection to a handler in a thread of its own; gives the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as one:
        threading.Thread(target=_accept, args=(one, handler), daemon=True).start()
        yield one.getsockname()[1]


def _accept(one: socket.socket, handler: Handler) -> None:
    with contextlib.suppress(OSError):
        while True:
            link, _ = one.accept()
            threading.Thread(target=_handle, args=(handler, link), daemon=True).start()


def _handle(handler: Handler, link: socket.socket) -> None:
    with link, contextlib.suppress(OSError):
        handler(link)


class Relay:
    """Stands in front of a real server and behaves badly where a client's record asks for it."""

    def __init__(self, port: int, bad: Bad) -> None:
        self._port = port
        self._bad = bad

    def __call__(self, link: socket.socket) -> None:
        heard: list[float] = []
        with socket.create_connection(("127.0.0.1", self._port)) as behind:
            back = threading.Thread(target=self._back, args=(behind, link, heard), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                self._forth(link, behind, heard)
            with contextlib.suppress(OSError):  # a close alone would wait for the other thread
                behind.shutdown(socket.SHUT_RDWR)
            back.join()

    def _forth(self, link: socket.socket, behind: socket.socket, heard: list[float]) -> None:
        count = 0
        while record := self._record(link):
            if answer := self._bad(count, record[0], record[5:]):
                self._settle(heard)
                link.sendall(answer)
                return
            behind.sendall(record)
            count += 1

    @staticmethod
    def _back(behind: socket.socket, link: socket.socket, heard: list[float]) -> None:
        with contextlib.suppress(OSError):
            while data := behind.recv(65536):
                link.sendall(data)
                heard.append(time.monotonic())
            link.shutdown(socket.SHUT_WR)

    @staticmethod
    def _settle(heard: list[float]) -> None:
        """Wait until what the real server has to say to all before is through."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if heard and time.monotonic() - heard[-1] > _QUIET:
                return
            time.sleep(0.02)

    @staticmethod
    def _record(link: socket.socket) -> bytes:
        head = link.recv(5, socket.MSG_WAITALL)
        if head[:1] >= b"\x80":  # SSL 2
            return b""
        size = int.from_bytes(head[3:5], "big")
        return head + link.recv(size, socket.MSG_WAITALL) if len(head) == 5 else b""


def _alert(description: int) -> bytes:
    return bytes([21, 3, 3, 0, 2, 2, description])


def sound(count: int, kind: int, body: bytes) -> bytes | None:
    """Do nothing bad."""
    return None


def heartbleed(count: int, kind: int, body: bytes) -> bytes | None:
    """Answer a heartbeat with what it never sent."""
    return b"\x18\x03\x03\x00\x23\x02\x40\x00" + b"\x01" * 32 if kind == 24 else None


def early_ccs(count: int, kind: int, body: bytes) -> bytes | None:
    """Take a ChangeCipherSpec right after the hello: what comes next cannot be decrypted."""
    return _alert(20) if kind == 20 and count == 1 else None


def oracle(key: RSAPrivateKey) -> Bad:
    """Tell by another alert whether a key exchange begins as PKCS #1 wants it."""
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n

    def bad(count: int, kind: int, body: bytes) -> bytes | None:
        if kind != 22 or count != 1 or body[:1] != b"\x10" or len(body) != 262:
            return None
        plain = pow(int.from_bytes(body[6:], "big"), numbers.d, modulus).to_bytes(256, "big")
        return None if plain.startswith(b"\0\x02") else _alert(51)

    return bad
