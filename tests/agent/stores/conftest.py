"""Stores for tests: certificates made for the run, nginx with mutual TLS, a scripted server."""

from __future__ import annotations

import contextlib
import runpy
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.agent.policy.published import Repository

    Serve = Callable[..., "Scripted"]

_TESTS = Path(__file__).parents[1]
PATIENCE = 60.0
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; user {user};
events {{}}
http {{
  log_format count '$connection $status $request_length $bytes_sent $request_uri';
  access_log {folder}/access.log count;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificates}/server.pem; ssl_certificate_key {certificates}/server.key;
    ssl_client_certificate {certificates}/ca.pem; ssl_verify_client on;
    root {folder}/www;
  }}
}}
"""


class Nginx:
    """The server; what is in `www` is served."""

    def __init__(self, folder: Path, certificates: Path, user: str) -> None:
        self.www = folder / "www"
        self.www.mkdir()
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        said = _NGINX.format(folder=folder, certificates=certificates, port=self.port, user=user)
        (folder / "nginx.conf").write_text(said)
        self._process = subprocess.Popen(
            ["nginx", "-e", "stderr", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL
        )
        self._wait()

    def _wait(self) -> None:
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            time.sleep(0.02)
        raise AssertionError("nginx did not start")

    @property
    def log(self) -> list[list[str]]:
        """Each request: connection, status, bytes that came and went, and for what."""
        text = (self._folder / "access.log").read_text()
        # Whoever only tried whether it listens asked for nothing.
        return [line.split() for line in text.splitlines() if line.split()[-1].startswith("/")]

    def requests(self, count: int) -> list[list[str]]:
        """Give the log as soon as it has so many requests: it is written after an answer."""
        ends = time.monotonic() + PATIENCE
        while len(self.log) < count and time.monotonic() < ends:
            time.sleep(0.02)
        return self.log

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Scripted:
    """Answers each request with the next bytes of its script, and then does what that says.

    Behind the bytes: "" keep the connection, "end" end it well, "cut" end TCP alone, "drip" the
    last byte again and again, "flood" the same as fast as it goes.
    """

    def __init__(self, certificates: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.script: list[tuple[bytes, str]] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(plain,), daemon=True).start()

    def _talk(self, plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            plain,
            self._context.wrap_socket(plain, server_side=True) as secure,
        ):
            while self.script:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    byte = secure.recv(1)
                    if not byte:
                        return
                    head += byte
                self.heads.append(head)
                said, then = self.script.pop(0)
                secure.sendall(said)
                while then in {"drip", "flood"}:
                    secure.sendall(said[-1:] * (1 if then == "drip" else 65536))
                    time.sleep(0.05 if then == "drip" else 0)
                if then == "end":
                    secure.settimeout(0.1)  # the farewell is sent; nobody has to answer it
                    secure.unwrap()
                if then:
                    return

    def stop(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(PATIENCE)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of certificates: ca, server, other, client; stranger and its false."""
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([sys.executable, _TESTS / "sinks" / "peer.py", "make", folder], check=True)
    return folder


@pytest.fixture
def nginx(certificates: Path, tmp_path: Path) -> Iterator[Nginx]:
    """An nginx that only talks to those whom it knows."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    server = Nginx(tmp_path, certificates, Path(tmp_path).owner())
    yield server
    server.stop()


@pytest.fixture
def scripted(certificates: Path) -> Iterator[Scripted]:
    """A server that says what it is told to."""
    server = Scripted(certificates)
    yield server
    server.stop()


@pytest.fixture
def repository() -> Repository:
    """A TUF repository of now."""
    path = _TESTS / "policy" / "published.py"
    made: Repository = runpy.run_path(str(path))["Repository"](time.time())
    return made
