"""Say which certificate a server of this host serves now, by a whole handshake. EDGE.

A server that finishes a handshake holds the key of the certificate. Only addresses on which this
host listens are asked.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import re
import socket
import ssl
from typing import TYPE_CHECKING, Final

from cryptography import x509

from checks.errors import HygieneError
from checks.tls.facts import Target

if TYPE_CHECKING:
    from collections.abc import Collection

_SECONDS: Final = 3.0
_LONGEST: Final = 6
"""More than the digits of a port."""
_NAME: Final = re.compile(r"[\w:-]{1,63}(\.[\w:-]{1,63})*\.?", re.ASCII)
"""With anything else the library fails in ways of its own."""


class ProvingError(HygieneError):
    """No handshake was finished."""


def served(address: str, name: str, listening: Collection[tuple[str, int]]) -> str:
    """Give the SHA-256 of the served certificate's DER in hex, a comma and its dates in words.

    Raises ProvingError.
    address: "ADDRESS:PORT"; name: to ask for, "" for none; listening: where this host listens.
    """
    asked = target(address, name, listening)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # whose it is tells its hash
    try:
        with (
            socket.create_connection((asked.host, asked.port), _SECONDS) as link,
            context.wrap_socket(link, server_hostname=name or None) as line,
        ):
            found = line.getpeercert(binary_form=True)
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "no answer"
        raise ProvingError(f"{address}: no handshake: {why}") from error
    if not found:
        raise ProvingError(f"{address}: no certificate")
    return f"{hashlib.sha256(found).hexdigest()}, {_dates(found)}"


def which(told: str) -> str:
    """Give the SHA-256 alone of what `served` gave."""
    return told.partition(",")[0]


def _dates(der: bytes) -> str:
    try:
        read = x509.load_der_x509_certificate(der)
        begins, ends = read.not_valid_before_utc, read.not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        return "of which no dates can be read"
    return f"{begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC"


def target(address: str, name: str, listening: Collection[tuple[str, int]]) -> Target:
    """Give a listener of this host to look at; raises ProvingError where there is none."""
    host, port = _place(address)
    if not _is_ours(host, port, listening):
        raise ProvingError(f"{address}: nothing listens there on this host")
    if name and not _NAME.fullmatch(name):
        raise ProvingError("expected the name of a host, in ASCII")
    return Target(str(host), port, name)


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
