"""A server on loopback that speaks TLS and HTTP as badly as a test tells it to."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from io import BufferedReader

PATIENCE = 60.0


class Heard(NamedTuple):
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes


def answer(status: int, body: object = None, *headers: str) -> bytes:
    """Write an answer; what is not bytes yet becomes JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {len(raw)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + raw


class Hostile:
    """Gives each request the next piece of its script; the last one again and again.

    A piece is bytes; behind it `then` says: "" keep the connection, "cut" end it, "drip" send the
    last byte again and again, slowly, "flood" the same as fast as it goes, "wait" say no more.
    """

    def __init__(self, certificate: str, key: str) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.script: list[tuple[bytes, str]] = []
        self.heard: list[Heard] = []
        self.connections = 0
        self._over = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def says(self, *pieces: bytes, then: str = "") -> None:
        """Write its script anew."""
        self.script = [(piece, then) for piece in pieces]

    def stop(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(plain,), daemon=True).start()

    def _talk(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), plain:
            plain.settimeout(PATIENCE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with (
                self._context.wrap_socket(plain, server_side=True) as secure,
                secure.makefile("rb") as lines,
            ):
                while (one := _request(lines)) and not self._over.is_set():
                    self.heard.append(one)
                    if not self._answer(secure):
                        return

    def _answer(self, secure: ssl.SSLSocket) -> bool:
        """Say the next piece; True where the connection is kept."""
        said, then = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        secure.sendall(said)
        if then == "wait":
            self._over.wait(PATIENCE)
        while then in {"drip", "flood"} and not self._over.is_set():
            secure.sendall(said[-1:] * (1 if then == "drip" else 65536))
            time.sleep(0.02 if then == "drip" else 0)
        return not then


def _request(lines: BufferedReader) -> Heard | None:
    """Read a request; None at the end."""
    line = lines.readline().decode().strip()
    if not line:
        return None
    headers = {}
    while head := lines.readline().decode().strip():
        name, _, value = head.partition(":")
        headers[name.lower()] = value.strip()
    body = lines.read(int(headers.get("content-length", 0)))
    return Heard(line, headers, body)
