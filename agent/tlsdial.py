"""Reach another host by TLS within a time, and talk to it within a time. EDGE.

TLS 1.2 or newer; the other side's certificate and name are always checked. Nothing is taken from
the environment: no proxy, no key log.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import credentials
from agent.credentials import CredentialError
from checks.errors import HygieneError

if TYPE_CHECKING:
    from agent.credentials import Token

_HEAD: Final = 8 * 1024
"""Bytes of a proxy's answer that are read."""
_INSTANT: Final = 0.001


class DialError(HygieneError):
    """The other side could not be reached, or is not who it should be."""


class Identity(NamedTuple):
    """Whom to believe and who we are: files. ca: "" for the system's; certificate: "" for none.

    key: "" where it is in the certificate's file, which then has to be private.
    """

    ca: str = ""
    certificate: str = ""
    key: str = ""


class Target(NamedTuple):
    """Where to go. name: what the certificate has to be for; proxy: host and port, or None."""

    host: str
    port: int
    name: str
    proxy: tuple[str, int] | None = None


class Timed(ssl.SSLSocket):
    """A TLS socket whose every call ends before one common time.

    The standard one begins anew with each byte that arrives.
    """

    ends = 0.0

    def within(self, seconds: float) -> None:
        """Let everything from now on take so long in all."""
        self.ends = time.monotonic() + seconds

    def _hurry(self) -> None:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self.settimeout(max(left, _INSTANT))

    def send(self, data: bytes, flags: int = 0) -> int:  # type: ignore[override]  # any buffer
        """Send some of it."""
        self._hurry()
        return super().send(data, flags)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Receive some."""
        self._hurry()
        return super().recv(buflen, flags)

    def recv_into(self, buffer: bytearray, nbytes: int | None = None, flags: int = 0) -> int:  # type: ignore[override]  # any buffer
        """Receive some into a buffer."""
        self._hurry()
        return super().recv_into(buffer, nbytes, flags)


def dial(target: Target, identity: Identity, seconds: float) -> Timed:
    """Connect, shake hands, check who answers; raises DialError."""
    ends = time.monotonic() + seconds
    context = _context(identity)
    plain = _connected(target.proxy or (target.host, target.port), ends)
    try:
        if target.proxy:
            _tunnel(plain, target, ends)
        plain.settimeout(_left(ends))
        # An end without TLS's own farewell is somebody's cut, not the end of an answer.
        made = context.wrap_socket(plain, server_hostname=target.name, suppress_ragged_eofs=False)
    except (OSError, ValueError) as error:
        plain.close()
        raise DialError(why(error)) from error
    if not isinstance(made, Timed):  # what the context was told to make
        raise DialError("TLS: not the socket that was asked for")
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def _context(identity: Identity) -> ssl.SSLContext:
    """Make what TLS needs, from files that are read anew each time; raises DialError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # some releases of 3.11 set it
    context.sslsocket_class = Timed
    context.post_handshake_auth = False
    try:
        if identity.ca:
            context.load_verify_locations(cafile=identity.ca)
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except (OSError, ValueError) as error:
        raise DialError(f"{identity.ca}: {why(error)}") from error
    if identity.certificate:
        _introduce(context, identity)
    return context


def _introduce(context: ssl.SSLContext, identity: Identity) -> None:
    """Load our own certificate and key; the key only from a private file."""
    key = identity.key or identity.certificate
    try:
        with credentials.opened(key, os.environ) as descriptor:
            # The very file that was looked at, whatever the name stands for by now.
            private = f"/proc/self/fd/{descriptor}"
            certificate = identity.certificate if identity.key else private
            context.load_cert_chain(certificate, private, password=_no_password)
    except CredentialError as error:
        raise DialError(str(error)) from error
    except (OSError, ValueError) as error:
        raise DialError(f"{identity.certificate}, {key}: {why(error)}") from error


def _no_password() -> str:
    """Stand in for the terminal that OpenSSL would ask."""
    return ""


def _connected(place: tuple[str, int], ends: float) -> socket.socket:
    """Connect to the first address that answers; each has its share of the time that is left."""
    host, port = place
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DialError(f"{host}: {why(error)}") from error
    last: OSError = TimeoutError("timed out")
    for number, (family, kind, protocol, _, address) in enumerate(found):
        made = None
        try:
            made = socket.socket(family, kind, protocol)
            made.settimeout(max(_left(ends) / (len(found) - number), _INSTANT))
            made.connect(address)
        except OSError as error:
            last = error
            if made is not None:
                made.close()
        else:
            return made
    raise DialError(f"{host}:{port}: {why(last)}") from last


def _tunnel(plain: socket.socket, target: Target, ends: float) -> None:
    """Have a proxy connect (RFC 9110 9.3.6), and read no further than its answer's head."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    place = f"{host}:{target.port}"
    plain.settimeout(_left(ends))
    plain.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode("ascii"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        plain.settimeout(_left(ends))
        byte = plain.recv(1)
        if not byte or len(head) > _HEAD:
            raise ConnectionError("proxy: no answer")
        head += byte
    words = head.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or words[1] != b"200":
        raise ConnectionError("proxy: refused")


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def why(error: Exception) -> str:
    """Say in few words what went wrong; never what the other side sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or 'failed').lower().replace('_', ' ')}"
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ConnectionError) and error.errno is None and error.args:
        return str(error.args[0])
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def drop(connection: Timed) -> None:
    """Close a connection, with TLS's own farewell where that takes no time."""
    with contextlib.suppress(OSError, ValueError):
        connection.settimeout(_INSTANT)
        connection.unwrap()
    with contextlib.suppress(OSError):
        connection.close()


def authorization(file: str, credential: str) -> Token | None:
    """Read the token of a sink, anew each time, so that a new one counts; raises CredentialError.

    None where neither a file nor a credential is named.
    """
    if credential:
        file = credentials.path(credential, os.environ)
    return credentials.token(file, os.environ) if file else None
