"""Run by tests: certificates, and an HTTPS server that takes reports or misbehaves as it is told.

peer.py make FOLDER           a CA, a server's, another name's, a client's certificate; another CA
peer.py serve FOLDER [NAME]   prints its port; NAME: whose certificate it shows, else "server"

The server reads FOLDER/behaviour before each answer: one word a line, a line a request, the last
one for all that follow. Events go to FOLDER/received, a line each, before they are acknowledged;
FOLDER/requests has a JSON line a request. A client without a certificate of the CA is turned away.
"""

from __future__ import annotations

import contextlib
import datetime
import gzip
import http.server
import json
import socket
import ssl
import struct
import sys
import threading
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOREVER = 3600


def make(folder: Path) -> None:
    """Make all certificates."""
    for authority in ("ca", "stranger"):
        key = ec.generate_private_key(ec.SECP256R1())
        _issue(folder, authority, key, None, ())
        if authority == "ca":
            issuer = (_name("ca"), key)
            _issue(
                folder, "server", ec.generate_private_key(ec.SECP256R1()), issuer, ("localhost",)
            )
            _issue(folder, "other", ec.generate_private_key(ec.SECP256R1()), issuer, ("b.example",))
            _issue(folder, "client", ec.generate_private_key(ec.SECP256R1()), issuer, ("client",))
        else:
            issuer = (_name("stranger"), key)
            _issue(folder, "false", ec.generate_private_key(ec.SECP256R1()), issuer, ("localhost",))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _issue(
    folder: Path,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None,
    names: tuple[str, ...],
) -> None:
    """Write NAME.pem, and NAME.key as a private file; without an issuer it is a CA."""
    now = datetime.datetime.now(datetime.UTC)
    by, signer = issuer or (_name(name), key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternatives, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    private = folder / f"{name}.key"
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Peer(http.server.BaseHTTPRequestHandler):
    """Takes reports."""

    protocol_version = "HTTP/1.1"
    folder = Path()
    lock = threading.Lock()
    told = ("", 0)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def behaviour(self) -> list[str]:
        """Give what to do with this request."""
        script = (self.folder / "behaviour").read_text()
        with Peer.lock:
            before, number = Peer.told
            number = number + 1 if before == script else 0
            Peer.told = (script, number)
        lines = script.splitlines()
        return lines[min(number, len(lines) - 1)].split(None, 1)

    def do_POST(self) -> None:
        """Take a batch, or do what the script says."""
        word, *rest = self.behaviour()
        if word == "early":  # answers before it has read, and goes
            self.answer(413)
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = gzip.decompress(body).splitlines(keepends=True)
        self.note(len(lines))
        if word.isdecimal():
            self.answer(int(word), dict([rest[0].split("=", 1)] if rest else []))
        elif word in {"ok", "close", "most", "taken-then-reset"}:
            self.some(word, rest, lines)
        else:
            getattr(self, f"do_{word.replace('-', '_')}")()

    def some(self, word: str, rest: list[str], lines: list[bytes]) -> None:
        """Take what there is, if it is not too much."""
        if rest and len(lines) > int(rest[0]):
            self.answer(413)
            return
        self.keep(lines)
        if word == "taken-then-reset":
            self.do_reset()
        else:
            self.answer(200)
            self.close_connection = word == "close"

    def note(self, count: int) -> None:
        """Write down the request."""
        shown = {
            "path": self.path,
            "events": count,
            "client": self.client_address[1],
            "headers": dict(self.headers),
        }
        with Peer.lock, (self.folder / "requests").open("a") as file:
            file.write(json.dumps(shown) + "\n")

    def keep(self, lines: list[bytes]) -> None:
        """Write down the events."""
        with Peer.lock, (self.folder / "received").open("ab") as file:
            file.writelines(lines)

    def answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        """Answer with a body that nobody should repeat."""
        body = b"<html>a body that nobody repeats</html>"
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_silent(self) -> None:
        """Never answer."""
        time.sleep(FOREVER)

    def do_drip(self) -> None:
        """Answer, a byte now and then."""
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * FOREVER:
            self.wfile.write(bytes([byte]))
            time.sleep(0.1)

    def do_endless(self) -> None:
        """Answer without an end."""
        self.send_response(200)
        self.send_header("Content-Length", str(2**40))
        self.end_headers()
        while True:
            self.wfile.write(b"z" * 65536)

    def do_garbage(self) -> None:
        """Answer what is no HTTP."""
        self.wfile.write(b"\x00\xffno http at all\r\n\r\n")
        self.close_connection = True

    def do_half(self) -> None:
        """Break the connection in the middle of the answer's head."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Le")
        self.do_reset()

    def do_half_cut(self) -> None:
        """End TCP in the middle of the head, without TLS's farewell."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
        self.connection.shutdown(socket.SHUT_RDWR)

    def do_half_ended(self) -> None:
        """End the connection in the middle of the head as one should."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Half: y")
        with contextlib.suppress(OSError):
            self.connection.settimeout(1)
            self.connection.unwrap()
        self.close_connection = True

    def do_reset(self) -> None:
        """Break the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def handle(self) -> None:
        """Serve a connection; how it ends is what tests are about."""
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def finish(self) -> None:
        """End a connection that may be closed already."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()


class Server(http.server.ThreadingHTTPServer):
    """Shakes hands in the thread of the connection, so that nobody has to wait for another."""

    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]  # it is no datagram
        """Speak TLS from here on."""
        with contextlib.suppress(OSError):
            secure = self.context.wrap_socket(request, server_side=True)
            super().finish_request(secure, client_address)

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


def serve(folder: Path, name: str) -> None:
    """Serve until killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    Peer.folder = folder
    with Server(("127.0.0.1", 0), Peer) as server:
        server.context = context
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        serve(Path(sys.argv[2]), (*sys.argv[3:], "server")[0])
