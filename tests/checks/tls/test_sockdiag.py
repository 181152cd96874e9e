"""Messages of the kernel, whole, cut and twisted."""

from __future__ import annotations

import contextlib
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import sockdiag
from checks.tls.sockdiag import DiagError, Socket


def message(kind: int, body: bytes, flags: int = 2, sequence: int = 1) -> bytes:
    """Write a netlink message, aligned."""
    header = struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0)
    return header + body + bytes(-len(body) % 4)


def attribute(kind: int, data: bytes) -> bytes:
    """Write an attribute, aligned."""
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def entry(family: int, address: bytes, port: int, *, state: int = 10, extra: bytes = b"") -> bytes:
    """Write struct inet_diag_msg with attributes."""
    ends = struct.pack(">HH", port, 0) + address.ljust(16, b"\0") + bytes(16)
    numbers = struct.pack("=IIIII", 0, 0, 128, 1000, 4242)
    return (
        struct.pack("=BBBB", family, state, 0, 0)
        + ends
        + struct.pack("=III", 0, 1, 2)
        + (numbers + extra)
    )


DONE = message(3, bytes(4))
V4 = entry(socket.AF_INET, b"\x7f\0\0\1", 443)


def test_sockets_are_read_up_to_the_end() -> None:
    """Each listening socket is given, and that the answer ends."""
    extra = attribute(11, b"\1") + attribute(21, struct.pack("=Q", 99))
    v6 = entry(socket.AF_INET6, bytes(15) + b"\1", 636, extra=extra)
    part = sockdiag.read(message(20, V4) + message(20, v6) + DONE, 1)
    assert part.last
    assert not part.torn
    assert part.sockets == (
        Socket("127.0.0.1", 443, 4242, 1000),
        Socket("::1", 636, 4242, 1000, cgroup=99, v6_only=True),
    )


def test_only_listening_sockets_of_the_answer_count() -> None:
    """Another state, another family and another question's answer are passed over."""
    other = entry(socket.AF_INET, b"\x7f\0\0\1", 1, state=1)
    unix = entry(socket.AF_UNIX, b"", 1)
    data = message(20, other) + message(20, unix) + message(20, V4, sequence=7)
    assert sockdiag.read(data, 1).sockets == ()
    assert len(sockdiag.read(data, 7).sockets) == 1


def test_an_interrupted_list_is_torn() -> None:
    """The kernel says when sockets came and went while it told them."""
    assert sockdiag.read(message(20, V4, flags=0x12) + DONE, 1).torn


@pytest.mark.parametrize("kind", [2, 3])
def test_a_refusal_is_an_error(kind: int) -> None:
    """An error number, in an error or at the end, is no empty list."""
    with pytest.raises(DiagError, match="error 2"):
        sockdiag.read(message(kind, struct.pack("=i", -2)), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\1",
        struct.pack("=IHHII", 15, 20, 2, 1, 0),
        struct.pack("=IHHII", 0, 20, 2, 1, 0),
        struct.pack("=IHHII", 2**32 - 1, 20, 2, 1, 0),
        message(20, b""),
        message(20, V4[:71]),
        message(20, V4 + struct.pack("=HH", 3, 11)),
        message(20, V4 + struct.pack("=HH", 65535, 11)),
    ],
)
def test_impossible_lengths_are_refused(data: bytes) -> None:
    """A length that is too short, or longer than what came, is refused."""
    with pytest.raises(DiagError):
        sockdiag.read(data, 1)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Nothing but DiagError is raised."""
    for content in (data, message(20, data), message(20, V4 + data)):
        with contextlib.suppress(DiagError):
            assert all(0 <= one.port < 65536 for one in sockdiag.read(content, 1).sockets)


@given(st.text(max_size=300))
def test_any_table_is_read_or_refused(text: str) -> None:
    """Nothing but DiagError is raised, whatever the line has."""
    row = ["0:", "0100007F:0050", "0", "0A", "0", "0", "0", "0", "0", "5"]
    rows = [text, *(" ".join([*row[:at], text, *row[at + 1 :]]) for at in range(len(row)))]
    with contextlib.suppress(DiagError):
        assert all(0 <= one.port < 65536 for one in sockdiag.read_table(rows))


def test_a_table_has_listening_sockets() -> None:
    """Addresses are words in this machine's order; other states are passed over."""
    word = f"{struct.unpack('=I', bytes([127, 0, 0, 1]))[0]:08X}"
    rows = [
        "  sl  local_address rem_address   st ...",
        f"   0: {word}:01BB 00000000:0000 0A 0:0 00:0 0  33 0 815 1 0 100 0 0 10 0",
        f"   1: {word}:01BC 00000000:0000 01 0:0 00:0 0  33 0 816 1 0 100 0 0 10 0",
    ]
    assert list(sockdiag.read_table(rows)) == [Socket("127.0.0.1", 443, 815, 33)]
