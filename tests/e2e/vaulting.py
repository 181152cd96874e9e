"""What stands before a Vault and fails, and who looks at what is served."""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import http.client
import json
import os
import socket
import ssl
import struct
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography import x509

from tests.agent.vault.conftest import Vault
from tests.e2e.sealing import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.sealing import Bao

NAME = "www.example.net"
_EVERY = 0.05
_CALLED = "localhost"
"""The name that a proxy is asked by; who looks at all listeners of a host knows addresses alone."""
_HELLO = 16 * 1024
_ELSEWHERE = "/v1/sys/elsewhere"
_LATER = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: times are compared here."""


class Said(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


def said(status: int, body: object, **headers: str) -> Said:
    """Make an answer; what is not bytes yet becomes JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Said(status, headers, raw)


def _errors(status: int, *errors: str, **headers: str) -> Said:
    return said(status, {"errors": list(errors)}, **headers)


class Given(NamedTuple):
    """A certificate that Vault gave: when, and from when to when it is good."""

    at: float
    begins: float
    ends: float


class Proxy:
    """Stands before a Vault, and spoils what it answers; on a port of its own, by TLS.

    asked: when those who know its name asked, or were refused a connection; looks of other agents
    of this host at what listens are not among them. given: by the SHA-256 of its DER, each
    certificate that went through unspoiled; keys: each private key that did, in PEM; redirected:
    how often somebody followed a redirect.
    """

    def __init__(self, server: Bao) -> None:
        self.server, self.ca, self.client = server, server.ca, server.client
        self.fault = ""
        self.asked: list[float] = []
        self.given: dict[str, Given] = {}
        self.keys: list[str] = []
        self.last = ""
        self._context = ssl.create_default_context(cafile=str(server.ca))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, server.files()))
        self.redirected = 0
        self._http = _Listener(("127.0.0.1", 0), partial(_Line, self))
        self._http.context = context
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        self._thread.start()
        self.address = f"https://{_CALLED}:{self._http.server_address[1]}"

    def end(self) -> None:
        self.fault = "away"
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def since(self, moment: float) -> int:
        """Count who asked since a moment of the monotonic clock."""
        return len(self.asked) - bisect.bisect_left(self.asked, moment)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        """Have Vault answer."""
        place = self.server.address.removeprefix("https://")
        line = http.client.HTTPSConnection(place, context=self._context, timeout=PATIENCE)
        with contextlib.closing(line):
            line.request(method, path, body or None, headers)
            got = line.getresponse()
            return Said(got.status, {}, got.read())

    def note(self, told: Said) -> Said:
        """Remember the certificates and keys of an answer before it goes out."""
        for name, text in _texts(_decoded(told.body)):
            if name == "certificate" and "BEGIN CERT" in text:
                self.given[sha256(text)] = _given(text)
                self.last = text
            if "PRIVATE KEY" in text:
                self.keys.append(text)
        return told


def _decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(body)
    except ValueError:
        return None


def _texts(told: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Give all texts of an answer with the names they have."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from _texts(value, key)
    elif isinstance(told, str):
        yield name, told


def sha256(pem: str) -> str:
    """Name a certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()


def _given(pem: str) -> Given:
    leaf = x509.load_pem_x509_certificate(pem.encode())
    times = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return Given(time.time(), *(one.timestamp() for one in times))


class _Listener(ThreadingHTTPServer):
    """Speaks TLS with each connection in a thread of its own."""

    daemon_threads = True
    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        plain, peer = super().get_request()
        plain.settimeout(PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secure = self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return secure, peer

    def handle_error(self, *_: object) -> None:
        """Connections that break are what this is for."""


class _Line(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: Proxy, *more: Any) -> None:  # noqa: ANN401 - the library's
        self._proxy = proxy
        super().__init__(*more)

    def handle(self) -> None:
        """Hear requests, unless nobody is to be here."""
        self._ours = self._called()
        if self._proxy.fault == "away":
            self._note()
            self._break()
            return
        super().handle()

    def _called(self) -> bool:
        """Say whether the hello, which is not taken, asks for our name (RFC 6066 3)."""
        with contextlib.suppress(OSError):
            hello = socket.socket.recv(self.connection, _HELLO, socket.MSG_PEEK)
            return _CALLED.encode() in hello
        return False

    def _note(self) -> None:
        """Count who knows our name."""
        if self._ours:
            self._proxy.asked.append(time.monotonic())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _any(self) -> None:
        proxy = self._proxy
        self._note()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        proxy.redirected += self.path == _ELSEWHERE
        fault = proxy.fault
        if fault == "away":
            self._break()
            return
        if fault in {"", "mismatch"}:
            kept = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            told = proxy.ask(self.command, self.path, kept, body)
            self._say(_mismatched(told, proxy) if fault else proxy.note(told))
            return
        FAULTS[fault](self)

    do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - the library's

    def _say(self, told: Said, *, length: int = -1) -> None:
        """Answer; length: what is claimed, where it is not true."""
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(told.body) if length < 0 else length))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(told.body)

    def _break(self) -> None:
        """End the connection as one ends whose process is gone."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            never = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, never)
            os.close(self.connection.detach())

    def drip(self) -> None:
        """Answer so slowly that it never ends."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while self._proxy.fault == "slow":
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)

    def truncated(self) -> None:
        """End in the middle of an answer."""
        self.close_connection = True
        self._say(said(200, b'{"data": {"certificate": "'), length=1000)

    def redirect(self) -> None:
        """Lead elsewhere."""
        self._say(said(307, b"", Location=self._proxy.address + _ELSEWHERE))

    def answers(self, told: Said) -> None:
        """Answer that."""
        self._say(told)


def _mismatched(told: Said, proxy: Proxy) -> Said:
    """Answer with a certificate of an earlier answer, which is good, but not for this key."""
    parts = _decoded(told.body)
    if not isinstance(parts, dict) or not isinstance(parts.get("data"), dict):
        return told
    if "certificate" in parts["data"]:
        parts["data"]["certificate"] = proxy.last
    return said(told.status, parts)


FAULTS: dict[str, Callable[[_Line], None]] = {
    "sealed": lambda line: line.answers(_errors(503, "Vault is sealed")),
    "slow": _Line.drip,
    "denied": lambda line: line.answers(_errors(403, "permission denied")),
    "limited": lambda line: line.answers(_errors(429, "too many", Retry_After="4")),
    "failing": lambda line: line.answers(_errors(500, "internal error")),
    "not JSON": lambda line: line.answers(said(200, b"<html>welcome</html>")),
    "huge": lambda line: line.answers(said(200, b'{"data": "' + b"x" * (8 << 20) + b'"}')),
    "truncated": _Line.truncated,
    "redirect": _Line.redirect,
}
"""What it can do instead of answering; beside these "away" and "mismatch"."""


class Seen(NamedTuple):
    """One handshake. sha256: of the certificate, "" where there was none; why: not."""

    at: float
    sha256: str
    why: str


class Client:
    """Shakes hands every 50 ms, all the time; believes ROOTS, and names, as a browser does.

    seen: every handshake. Times are not checked here: `expired` compares them.
    """

    def __init__(self, port: int, roots: str) -> None:
        self.seen: list[Seen] = []
        self._port = port
        self._context = ssl.create_default_context(cadata=roots)
        self._context.verify_flags |= _LATER
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            at = time.time()
            try:
                self.seen.append(Seen(at, self.look(), ""))
            except OSError as error:
                self.seen.append(Seen(at, "", str(error)))

    def look(self) -> str:
        """Shake hands once; gives the SHA-256 of what is served. Raises OSError."""
        with (
            socket.create_connection(("127.0.0.1", self._port), PATIENCE) as link,
            self._context.wrap_socket(link, server_hostname=NAME) as line,
        ):
            return hashlib.sha256(line.getpeercert(binary_form=True) or b"").hexdigest()

    @property
    def failed(self) -> list[Seen]:
        """The handshakes that failed."""
        return [one for one in list(self.seen) if one.why]

    @property
    def served(self) -> set[str]:
        """The certificates that were served."""
        return {one.sha256 for one in list(self.seen) if one.sha256}

    def expired(self, given: dict[str, Given]) -> list[Seen]:
        """The handshakes with a certificate that was over."""
        known = [(one, given[one.sha256]) for one in list(self.seen) if one.sha256 in given]
        return [one for one, good in known if not good.begins <= one.at < good.ends]

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


def ready(server: Bao, folder: Path, proxy: Proxy | None = None) -> Vault:
    """Prepare a Vault for keys, which is reached through a proxy where one is given."""
    made = Vault(server, folder)  # type: ignore[arg-type]  # it has what is asked of it
    if proxy is not None:
        made.server = proxy  # type: ignore[assignment]  # the same
    return made
