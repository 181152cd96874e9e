"""A certificate that haproxy serves from its memory, changed through its runtime socket. EDGE.

haproxy takes key and certificates in one transaction and checks that they belong together when it
is committed (management guide, "set ssl cert", "commit ssl cert"). After a reload it has again what
its file says, so it is asked what it has: that shows a reload, a restart and another's change.
What it answers is not repeated: it may quote what it was sent.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import socket
import time
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from agent import peers
from agent.deliver import DeliveryError
from agent.vault.material import Material
from checks.printable import printable

if TYPE_CHECKING:
    from agent.deliver import Delivered
    from agent.keysettings import HaproxyDelivery

_PATIENCE: Final = 10.0
"""Seconds for a whole answer."""
_SILENCE: Final = 3.0
"""Seconds without a word of it: one that a reload replaces may take a line and say nothing."""
_LONGEST: Final = 256 * 1024
"""Bytes of an answer."""
_BUFFER: Final = 16 * 1024
"""Bytes of a command that haproxy takes as it is built; of a longer one it takes nothing."""
_PLAIN: Final = re.compile(r"/[A-Za-z0-9._/@+:=,~-]+")
"""In a command a space, a semicolon, a backslash or a line end would mean something."""
_SHA1: Final = re.compile(r"^SHA1 FingerPrint: ([0-9A-Fa-f]{40})$", re.MULTILINE)
_USER: Final = "haproxy"
_KNOWN: Final = {
    "ongoing transaction": "another change is under way there",
    "not referenced": "its configuration does not name this certificate",
    "inconsistencies": "the key is not the one of the certificate",
    "ermission denied": "the socket is not of level admin",
    "unable to load": "it cannot read this key or these certificates",
    "nknown command": "it is too old to change certificates",
}


class Kind:
    """Runtime sockets have nothing in common."""

    def __init__(self, _folder: str) -> None: ...

    def make(self, settings: HaproxyDelivery, _key: str) -> Haproxy:
        """Make a delivery; raises DeliveryError. haproxy is first asked by `publish`."""
        return Haproxy(settings)

    def close(self) -> None:
        """Nothing is kept open."""


class Haproxy:
    """One certificate of one haproxy."""

    def __init__(self, settings: HaproxyDelivery) -> None:
        """Keep where it is; raises DeliveryError for a name that haproxy would read as more."""
        self._socket, self._name = settings.socket, settings.certificate
        self._known = ""
        if not _PLAIN.fullmatch(self._name):
            raise DeliveryError(
                f"{self}: the name has signs that haproxy takes for more than a name"
            )

    def __repr__(self) -> str:
        """Name the socket and the certificate."""
        return printable(f"{self._socket}: {self._name}")

    def publish(self, what: Delivered) -> None:
        """Have it served from now on; raises DeliveryError, and then the one before is served."""
        if not isinstance(what, Material):
            raise DeliveryError(f"{self}: expected a key with its certificate")
        command = f"set ssl cert {self._name} <<\n".encode() + what.pem + b"\n"
        known = _sha1(what)
        try:
            self._change(command, "Transaction ")
            self._change(f"commit ssl cert {self._name}\n".encode(), "Success!")
        except DeliveryError:
            self._abort()
            raise
        if self._has() != known:
            raise DeliveryError(f"{self}: haproxy took the certificate and does not have it")
        self._known = known

    def lost(self) -> bool:
        """Say whether it has another one, as after a reload; raises DeliveryError."""
        return bool(self._known) and self._has() != self._known

    def withdraw(self) -> None:
        """Stop to look after it: haproxy goes on with what it has until its next reload."""
        self._known = ""

    def warnings(self) -> list[str]:
        """Of nothing."""
        return []

    def _change(self, command: bytes, good: str) -> None:
        """Have something changed; good: what the answer then has. Raises DeliveryError."""
        answer = self._ask(command)
        if good not in answer:
            raise DeliveryError(f"{self}: haproxy refuses it: {_why(command, answer)}")

    def _abort(self) -> None:
        """Have it forget what was not committed, which holds a key and the way for others."""
        with contextlib.suppress(DeliveryError):
            self._ask(f"abort ssl cert {self._name}\n".encode())

    def _has(self) -> str:
        """Give the SHA-1 of the certificate it serves by; raises DeliveryError."""
        found = _SHA1.search(self._ask(f"show ssl cert {self._name}\n".encode()))
        if found is None:
            raise DeliveryError(f"{self}: haproxy does not say which certificate it has")
        return found[1].upper()

    def _ask(self, command: bytes) -> str:
        """Give the answer to a command; raises DeliveryError."""
        began = time.monotonic()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
                line.settimeout(_SILENCE)
                line.connect(self._socket)
                self._believe(line)
                line.sendall(command)
                return _answer(line, began + _PATIENCE)
        except (BrokenPipeError, ConnectionResetError):
            return ""
        except TimeoutError:
            waited = time.monotonic() - began
            raise DeliveryError(f"{self}: no whole answer within {waited:.0f} s") from None
        except OSError as error:
            raise DeliveryError(f"{self}: {error.strerror or 'not a socket path'}") from None

    def _believe(self, line: socket.socket) -> None:
        """Raise DeliveryError for a socket that somebody else put there, to be told a key."""
        user = peers.user(line)
        try:
            known = {0, pwd.getpwnam(_USER).pw_uid}
        except KeyError:
            known = {0}
        if user not in known | {os.geteuid()}:
            raise DeliveryError(f"{self}: user {user} listens there, not haproxy")


def _answer(line: socket.socket, until: float) -> str:
    """Read up to the end; raises OSError."""
    parts: list[bytes] = []
    while (left := until - time.monotonic()) > 0 and sum(map(len, parts)) < _LONGEST:
        line.settimeout(min(left, _SILENCE))
        part = line.recv(65_536)
        if not part:
            return b"".join(parts).decode("utf-8", "replace")
        parts.append(part)
    raise TimeoutError


def _why(command: bytes, answer: str) -> str:
    """Give a known reason for an answer that is not good; the answer itself may quote the key."""
    if not answer and len(command) > _BUFFER:
        return "key and certificates are longer than its tune.bufsize"
    return next((ours for theirs, ours in _KNOWN.items() if theirs in answer), "no known reason")


def _sha1(what: Material) -> str:
    """Name a certificate as haproxy does."""
    leaf = x509.load_pem_x509_certificates(what.certificates)[0]
    return leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - it has no other
