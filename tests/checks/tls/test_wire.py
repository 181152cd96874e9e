"""Numbers and vectors come back as they were written, and nothing is read past the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls.wire import (
    Reader,
    WireError,
    number,
    numbers,
    take_message,
    take_record,
    vector,
)


@given(st.binary(max_size=300), st.integers(2, 3))
def test_a_vector_comes_back(data: bytes, prefix: int) -> None:
    """What is written behind its length is what is read, and nothing more."""
    reader = Reader(vector(data, prefix) + b"tail")
    assert reader.vector(prefix) == data
    assert reader.rest() == b"tail"
    reader.end()


@given(st.lists(st.integers(0, 0xFFFF)))
def test_numbers_come_back(values: list[int]) -> None:
    """A list of numbers is read as it was written."""
    assert Reader(numbers(values, 2)).numbers(2) == tuple(values)


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"", lambda reader: reader.number(1)),
        (b"\1", lambda reader: reader.number(2)),
        (b"\0\2x", lambda reader: reader.vector(2)),
        (b"\xff\xff\xff", lambda reader: reader.vector(3)),
        (b"\0\1\2", lambda reader: reader.numbers(2)),
        (b"x", lambda reader: reader.end()),
    ],
)
def test_the_end_is_the_end(data: bytes, read: object) -> None:
    """A length that goes past the end, half a number and bytes left over are refused."""
    assert callable(read)
    with pytest.raises(WireError):
        read(Reader(data))


def test_a_failed_read_takes_nothing() -> None:
    """What could not be taken is still there."""
    reader = Reader(b"abc")
    with pytest.raises(WireError):
        reader.take(4)
    assert reader.rest() == b"abc"


@pytest.mark.parametrize(("value", "size"), [(256, 1), (1 << 16, 2), (-1, 2)])
def test_a_number_that_does_not_fit_is_refused(value: int, size: int) -> None:
    """Writing raises our own error, also for the length of a vector."""
    with pytest.raises(WireError):
        number(value, size)
    with pytest.raises(WireError):
        vector(bytes(1 << 16), 2)
    assert number(255, 1) == b"\xff"


def test_a_record_is_taken_when_it_is_whole() -> None:
    """Before that nothing is taken; one that is too long is refused by its header."""
    stream = bytearray()
    for byte in b"\x16\3\3\0\2a":
        stream.append(byte)
        assert take_record(stream, 10) is None
    stream += b"bc"
    assert take_record(stream, 10) == (b"\x16\3\3\0\2", b"ab")
    assert stream == b"c"
    with pytest.raises(WireError):
        take_record(bytearray(b"\x16\3\3\0\x0b"), 10)


def test_an_empty_record_and_an_empty_message_are_whole() -> None:
    """A length of zero ends at the header, and the loop that takes them goes on."""
    assert take_record(bytearray(b"\x16\3\3\0\0"), 10) == (b"\x16\3\3\0\0", b"")
    stream = bytearray(b"\x0e\0\0\0\x0b\0\0\1")
    assert take_message(stream, 10) == b"\x0e\0\0\0"
    assert take_message(stream, 10) is None
    assert take_message(bytearray(b"\x0b\0"), 10) is None


def test_a_message_that_is_too_long_is_refused_by_its_header() -> None:
    """Sixteen megabytes are not waited for."""
    with pytest.raises(WireError):
        take_message(bytearray(b"\x0b\xff\xff\xff"), 1 << 18)


@pytest.mark.parametrize("value", [-1, 1 << 16])
def test_a_number_that_does_not_fit_is_refused_in_a_list(value: int) -> None:
    """As it is alone."""
    with pytest.raises(WireError):
        numbers((1, value), 2)
    assert numbers((1, 0xFFFF), 2) == b"\0\1\xff\xff"
    assert numbers((1, 1 << 16), 3) == b"\0\0\1\1\0\0"
