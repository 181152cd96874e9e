"""Read the head of an HTTP/1.1 request, strictly, and write an answer (RFC 9112). Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 16 * 1024
"""Bytes of a head."""
_MOST_FIELDS: Final = 100
_REQUEST: Final = re.compile(rb"([A-Z]{1,16}) (/[!-~]{0,2048}) HTTP/1\.1")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*([\t -~\x80-\xff]*)")
_LENGTH: Final = re.compile(r"[0-9]{1,15}")
_ONCE: Final = frozenset(("content-length", "content-encoding", "host", "expect", "connection"))
_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    417: "Expectation Failed",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class RequestError(HygieneError):
    """A request that cannot be followed; the connection ends after the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Request(NamedTuple):
    """What is asked for. encoding: of the body, in lower case; waits: for "100 Continue"."""

    method: str
    path: str
    length: int
    encoding: str
    waits: bool
    last: bool


class Answer(NamedTuple):
    """What is answered. fields: more of the head; last: the connection ends."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    fields: Mapping[str, str] = {}
    last: bool = False


def parse(head: bytes) -> Request:
    """Read a head without the empty line at its end; raises RequestError."""
    first, *lines = head.split(b"\r\n")
    asked = _REQUEST.fullmatch(first)
    if not asked:
        raise RequestError("not a request of HTTP/1.1")
    fields = _fields(lines)
    if "transfer-encoding" in fields:
        raise RequestError("a body needs a content-length", 411)
    length = fields.get("content-length", "0")
    if not _LENGTH.fullmatch(length):
        raise RequestError("content-length: not a number")
    if fields.get("expect", "100-continue").lower() != "100-continue":
        raise RequestError("expect: not known", 417)
    return Request(
        method=asked[1].decode(),
        path=asked[2].decode(),
        length=int(length),
        encoding=fields.get("content-encoding", "").strip().lower(),
        waits="expect" in fields,
        last=fields.get("connection", "").strip().lower() == "close",
    )


def _fields(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > _MOST_FIELDS:
        raise RequestError("too many fields")
    fields: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if not field:
            raise RequestError("a field that is none")
        name = field[1].decode().lower()
        if name in fields and name in _ONCE:
            raise RequestError("a field that must stand once stands twice")
        fields[name] = field[2].decode("latin-1").rstrip()
    return fields


def written(answer: Answer) -> bytes:
    """Give the bytes of an answer."""
    fields = {
        "Content-Type": answer.kind,
        "Content-Length": str(len(answer.body)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **answer.fields,
        **({"Connection": "close"} if answer.last else {}),
    }
    lines = [f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + answer.body
