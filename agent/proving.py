"""Say which certificate a server of this host serves now, by a whole handshake. EDGE.

A server that finishes a handshake holds the key of the certificate. Only addresses on which this
host listens are asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Collection

_SECONDS: Final = 3.0
_LONGEST: Final = 6
"""More than the digits of a port."""


class ProvingError(HygieneError):
    """No handshake was finished."""


def served(address: str, name: str, listening: Collection[tuple[str, int]]) -> str:
    """Give the SHA-256 of the served certificate's DER, in hex; raises ProvingError.

    address: "ADDRESS:PORT"; name: to ask for, "" for none; listening: where this host listens.
    """
    host, port = _place(address)
    if not _is_ours(host, port, listening):
        raise ProvingError(f"{address}: nothing listens there on this host")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # whose it is tells its hash
    try:
        with (
            socket.create_connection((str(host), port), _SECONDS) as link,
            context.wrap_socket(link, server_hostname=name or None) as line,
        ):
            found = line.getpeercert(binary_form=True)
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "no answer"
        raise ProvingError(f"{address}: no handshake: {why}") from error
    if not found:
        raise ProvingError(f"{address}: no certificate")
    return hashlib.sha256(found).hexdigest()


def _place(address: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(ValueError):
        if port.isascii() and port.isdecimal() and len(port) < _LONGEST:
            return ipaddress.ip_address(host.strip("[]")), int(port)
    raise ProvingError("expected ADDRESS:PORT, such as 127.0.0.1:443")


def _is_ours(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address,
    port: int,
    listening: Collection[tuple[str, int]],
) -> bool:
    """Say whether this host listens there: at that address, or at all and it is a loopback one."""
    wanted = {str(host)} | ({"0.0.0.0", "::"} if host.is_loopback else set())  # noqa: S104 - nothing is bound
    return any(known == port and at in wanted for at, known in listening)
