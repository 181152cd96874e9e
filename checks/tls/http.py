"""Ask a web server for its first page's head, and read what it says about HTTPS. Sans I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.lazy import regex
from checks.tls import greetings
from checks.tls.facts import Http

if TYPE_CHECKING:
    from checks.tls.facts import Target

PROTOCOL: Final = "http/1.1"
"""As ALPN names it."""
_WEB_PORTS: Final = frozenset({443, 2376, 5986, 6443, 8443, 9443, 10250})
_GREETING: Final = 0.05
"""Seconds to wait for a greeting where nothing says that a web server listens."""
_STATUS: Final = regex(r"HTTP/1\.[01] (\d{3})")
_MOST: Final = 16 * 1024
_LONGEST: Final = 200


def may_be_asked(target: Target) -> bool:
    """Say whether a web server may listen: mail servers take a request for an attack."""
    others = greetings.TLS_PORTS - _WEB_PORTS
    return not target.starttls and target.port not in others


def wait(target: Target) -> float:
    """Give the seconds in which a server that is no web server may greet first."""
    return 0.0 if target.port in _WEB_PORTS else _GREETING


def authority(target: Target) -> str:
    """Name a target as a request does (RFC 9110 7.2), without its port."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    return target.server_name or host


def request(host: str) -> bytes:
    """Write a request for "/" of an authority; GET, since small servers know no other, one byte."""
    name = host.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")
    return (
        f"GET / HTTP/1.1\r\nHost: {name}\r\nUser-Agent: hygiene-agent\r\nRange: bytes=0-0\r\n"
        "Connection: close\r\n\r\n"
    ).encode("ascii")


def read(answer: bytes) -> Http | None:
    """Read the head of an answer; None for what is no HTTP."""
    text = answer[:_MOST].decode("latin-1")
    found = _STATUS.match(text)
    if found is None:
        return None
    fields: dict[str, str] = {}
    for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())  # RFC 6797 8.1: the first counts
    return Http(
        int(found[1]),
        fields.get("strict-transport-security"),
        fields.get("location", "")[:_LONGEST],
        fields.get("server", "")[:_LONGEST],
        fields.get("content-type", "")[:_LONGEST].lower(),
    )
