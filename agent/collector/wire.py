"""One TLS connection, read and written without ever waiting for longer than is said. EDGE.

asyncio's own TLS keeps 256 KiB for each connection; hosts stay connected, so sockets are driven
here by OpenSSL itself, which keeps a tenth of that (tests/bench/results-collect.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from typing import TYPE_CHECKING, Any, Final, TypeVar

from agent.collector import message
from agent.collector.message import RequestError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")
_PIECE: Final = 64 * 1024
_HANDSHAKE: Final = 10.0
_IDLE: Final = 900.0
"""Seconds that a host may be silent on a connection."""
_HEAD: Final = 10.0
_BODY: Final = 60.0
_ANSWER: Final = 30.0
_LINGER: Final = 2.0


class Link:
    """A connection whose handshake is done."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._socket = connection
        self._read = bytearray()

    @property
    def names(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the common names of a certificate as `ssl` shows it, then its DNS names and URIs."""
    found = [
        value
        for relative in certificate.get("subject", ())
        for kind, value in relative
        if kind == "commonName"
    ]
    others = certificate.get("subjectAltName", ())
    found += [value for kind, value in others if kind in {"DNS", "URI"}]
    return tuple(dict.fromkeys(one for one in found if one))
