"""What is asked of a web server, and what of its answer's head is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import http
from checks.tls.facts import Http, Target

HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22\r\nStrict-Transport-Security: max-age=1\r\n"
    b"strict-transport-security: max-age=2\r\nContent-Type: Text/HTML; charset=UTF-8\r\n\r\nbody"
)


@pytest.mark.parametrize(
    ("target", "named"),
    [
        (Target("127.0.0.1", 443), "127.0.0.1"),
        (Target("::1", 443), "[::1]"),
        (Target("::1", 443, "www.example.org"), "www.example.org"),
    ],
)
def test_a_request_names_what_it_is_for(target: Target, named: str) -> None:
    """By its name, else by its address, an IPv6 one in brackets."""
    said = http.request(http.authority(target))
    assert said.startswith(b"GET / HTTP/1.1\r\n")
    assert f"\r\nHost: {named}\r\n".encode() in said
    assert said.endswith(b"\r\n\r\n")


@given(st.text())
def test_no_name_adds_a_line_to_a_request(name: str) -> None:
    """Whatever a name holds, the request has the same lines."""
    assert http.request(name).count(b"\r\n") == http.request("x").count(b"\r\n")


def test_the_head_is_read() -> None:
    """Of a header that stands twice the first counts; the type is in lower case."""
    found = http.read(HEAD)
    assert found == Http(200, "max-age=1", "", "nginx/1.22", "text/html; charset=utf-8")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 OK\r\n"])
def test_what_is_no_http_is_none(answer: bytes) -> None:
    """Another protocol, and another version of it, says nothing."""
    assert http.read(answer) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read(tail: bytes) -> None:
    """Nothing is raised, and what is kept of a head is short."""
    found = http.read(b"HTTP/1.0 301 x\r\n" + tail)
    assert found is not None
    assert found.status == 301


def test_a_web_server_need_not_greet() -> None:
    """At the ports of the web nothing is waited for."""
    assert http.wait(Target("127.0.0.1", 443)) == 0
    assert 0 < http.wait(Target("127.0.0.1", 12345)) < 0.2
