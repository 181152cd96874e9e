"""DER is read exactly, and nothing in it is believed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.secrets import der
from checks.secrets.cursor import Cursor


def test_reads_elements() -> None:
    """Tag, value and whole encoding of short and long elements are given."""
    node = der.read(b"\x30\x05\x02\x01\x07\x05\x00rest")
    number, null = node.children
    assert (node.tag, number.number, null.value) == (der.SEQUENCE, 7, b"")
    assert node.raw == b"\x30\x05\x02\x01\x07\x05\x00"
    assert der.read(b"\x04\x81\x80" + b"a" * 128).octets == b"a" * 128
    assert der.read(bytes.fromhex("06092a864886f70d010c0a")).oid == "1.2.840.113549.1.12.10"


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x80\0\0", b"\x1f\x01\0", b"\x30\x05\x02", b"\x30\x85\1\1\1\1\1"]
)
def test_refuses_what_it_does_not_read(data: bytes) -> None:
    """Cut, indefinite and oversized elements are errors that quote nothing."""
    with pytest.raises(FormatError) as caught:
        der.read(data)
    assert caught.value.reason.startswith("DER: ")


@pytest.mark.parametrize(
    "data", [b"\x02\x01\xff", b"\x02\x00", b"\x04\x01\x01", b"\x02\x41" + b"\1" * 65]
)
def test_refuses_odd_numbers(data: bytes) -> None:
    """Negative, empty, foreign and giant numbers are errors."""
    with pytest.raises(FormatError):
        _ = der.read(data).number


def test_says_how_long_a_cut_element_would_be() -> None:
    """The extent is what the header claims."""
    assert der.extent(b"\x30\x82\x04\xa4\x02") == 0x4A8


@given(st.binary(max_size=60))
def test_never_fails_otherwise(data: bytes) -> None:
    """Any bytes are read or refused with FormatError."""
    try:
        node = der.read(data)
        _ = node.children, node.oid, node.number
    except FormatError:
        return
    assert data.startswith(node.raw)


def test_a_cursor_stops_at_the_end() -> None:
    """A cursor gives what is there, and an error for what is not."""
    cursor = Cursor(b"\0\0\0\2ab\0\1")
    assert (cursor.string(), cursor.number(2), cursor.left) == (b"ab", 1, 0)
    with pytest.raises(FormatError):
        cursor.take(1)
    with pytest.raises(FormatError):
        Cursor(b"\xff\xff\xff\xffab").string()
    assert "ab" not in repr(Cursor(b"ab"))


@given(st.binary(max_size=60))
def test_spans_are_what_elements_are(data: bytes) -> None:
    """Without copies the same elements are read, and the same bytes are refused."""
    spans: list[tuple[int, bytes]] | None = None
    elements: list[tuple[int, bytes]] | None = None
    with contextlib.suppress(FormatError):
        spans = [(tag, data[start:end]) for tag, start, end in der.spans(data, 0, len(data))]
    with contextlib.suppress(FormatError):
        whole = der.Node(der.SEQUENCE, data, b"")
        elements = [(one.tag, one.value) for one in whole.children]
    assert spans == elements
