"""The head of a request is read strictly: what two servers could read differently is refused."""

from __future__ import annotations

import pytest

from agent.collector.message import Answer, RequestError, parse, written

HEAD = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 12"


def test_a_request_is_read() -> None:
    """Method, path, length, encoding, and whether it is the last."""
    request = parse(HEAD + b"\r\nContent-Encoding: GZIP\r\nConnection: close\r\nX-Other: \t7 ")
    assert request == ("POST", "/v1/events", 12, "gzip", False, True)
    assert parse(HEAD + b"\r\nExpect: 100-continue").waits
    assert parse(b"GET / HTTP/1.1\r\nHost: a").length == 0


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 400),
        (b"GET / HTTP/1.0", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"GET http://x/ HTTP/1.1", 400),
        (b"GET /\x00 HTTP/1.1", 400),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1", 400),
        (b"PRI * HTTP/2.0", 400),
        (HEAD + b"\r\nContent-Length: 13", 400),
        (HEAD + b"\r\n folded", 400),
        (HEAD + b"\r\nA : 1", 400),
        (HEAD + b"\r\nA: 1\nB: 2", 400),
        (HEAD + b"\r\nA: \x00", 400),
        (HEAD + b"\r\nTransfer-Encoding: chunked", 411),
        (HEAD + b"\r\nExpect: miracles", 417),
        (b"POST / HTTP/1.1\r\nContent-Length: -1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1_0", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: +1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1, 1", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 16, 400),
        (HEAD + b"\r\nA: 1" * 101, 400),
    ],
)
def test_what_is_not_plain_is_refused(head: bytes, status: int) -> None:
    """Each is refused with its status."""
    with pytest.raises(RequestError) as refused:
        parse(head)
    assert refused.value.status == status


def test_an_answer_is_written() -> None:
    """Status, fields, length and body."""
    made = written(Answer(429, b"{}", fields={"Retry-After": "3"}, last=True))
    head, _, body = made.partition(b"\r\n\r\n")
    assert body == b"{}"
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert {b"Content-Length: 2", b"Retry-After: 3", b"Connection: close"} <= set(
        head.split(b"\r\n")
    )
    assert b"Connection: close" not in written(Answer(200))
