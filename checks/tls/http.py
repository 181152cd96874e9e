"""Ask a web server for its first page's head, and read what it says about HTTPS. Sans I/O."""

from __future__ import annotations

from typing import Final

from checks.lazy import regex
from checks.tls.facts import Http

_STATUS: Final = regex(r"HTTP/1\.[01] (\d{3})")
_MOST: Final = 16 * 1024
_LONGEST: Final = 200


def request(host: str) -> bytes:
    """Write a request for "/"; GET, since small servers know no other, and one byte of it."""
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
    )
