"""Bytes become text in whatever encoding they are, and what is no text is said to be none."""

from __future__ import annotations

import codecs
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks import text
from checks.text import Lines

PLAIN = "user = alice\npass = grün — пароль\n" * 4
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


def read(data: bytes) -> str:
    """Read bytes that are text."""
    found = text.read(data)
    assert found is not None
    return found.string


@pytest.mark.parametrize("encoding", BOMS)
def test_a_byte_order_mark_names_the_encoding(encoding: str) -> None:
    """The mark decides and is not part of the text."""
    assert read(BOMS[encoding] + PLAIN.encode(encoding)) == PLAIN


BINARIES = [
    *(b"GIF8", b"%PDF-", b"RIFF", b"OggS", b"ID3", b"wOF2", b"MZ\x90", b"LPKSHHRH", b"!<arch>"),
    b"SQLite format 3",
]


@pytest.mark.parametrize("head", BINARIES)
def test_what_begins_like_a_text_may_be_a_binary(head: bytes) -> None:
    """A known kind of binary is none at a glance; a word that begins with its first letter is."""
    assert not text.is_plain(head + b" 12\n")
    assert text.is_plain(head[:1] + b" 12\n")


@pytest.mark.parametrize("encoding", WIDE)
def test_wide_text_is_known_without_a_mark(encoding: str) -> None:
    """Where its zero bytes stand tells UTF-16 and UTF-32; the matched bytes are UTF-8."""
    plain = "password = correct horse\r\n" * 3
    found = text.read(plain.encode(encoding))
    assert found is not None
    assert (found.encoding, found.data) == (encoding, plain.encode())


@pytest.mark.parametrize("encoding", WIDE)
def test_wide_text_that_is_cut_or_damaged_is_read_as_far_as_it_goes(encoding: str) -> None:
    """Half a character at the end and a lone surrogate do not stop the reading."""
    data = BOMS[encoding] + "password = x".encode(encoding)
    assert read(data[:-1]).startswith("password = ")
    lone = "\ud800".encode(encoding, "surrogatepass")
    assert read(data + lone).startswith("password = x")


def test_eight_bit_text_keeps_every_byte() -> None:
    """Text in Latin-1 is matched as it is and read as Latin-1; UTF-8 stays UTF-8."""
    latin = "mot de passe = é\n".encode("latin-1")
    found = text.read(latin)
    assert found is not None
    assert (found.data, found.string) == (latin, "mot de passe = é\n")
    assert read("mot de passe = é\n".encode()) == "mot de passe = é\n"


def test_zero_bytes_in_text_are_line_ends() -> None:
    """Records that end in zero bytes are lines; a binary with as many is none."""
    assert read(b"A=one\0PASSWORD=two\0") == "A=one\nPASSWORD=two"
    noise = random.Random(1).randbytes(4096)
    assert text.read(noise) is None
    assert text.read(b"\0" * 4096) is None


def test_holes_around_a_text_are_left_out() -> None:
    """A log cut under its writer begins with zero bytes, one made in advance ends in them."""
    assert read(b"\0" * 5000 + b"password = x\n" * 9) == "password = x\n" * 9
    assert read(b"password = x\n" * 9 + b"\0" * 5000) == "password = x\n" * 9


@pytest.mark.parametrize(
    "head",
    [b"\x7fELF\2\1\1", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7\n\xe2\xe3", b"\xca\xfe\xba\xbe", b"OggS\0"],
)
def test_a_binary_is_no_text(head: bytes) -> None:
    """A magic number in front of bytes that are no text makes a binary."""
    assert text.read(head + random.Random(2).randbytes(2000)) is None


def test_text_that_begins_like_a_binary_is_text() -> None:
    """A readable file whose first word is a magic number is not passed over."""
    for head in (b"GIF8 ", b"RIFF", b"ID3", b"OggS", b"%PDF-"):
        assert read(head + b"\npassword = x\n" * 20).endswith("password = x\n")


def test_the_mark_of_wide_text_goes_before_later_pieces() -> None:
    """UTF-8 needs no mark; the others need theirs in every piece of a large file."""
    assert text.mark(codecs.BOM_UTF16_LE + b"a\0") == codecs.BOM_UTF16_LE
    assert text.mark(codecs.BOM_UTF32_LE + b"a\0\0\0") == codecs.BOM_UTF32_LE
    assert text.mark(codecs.BOM_UTF8 + b"a") == b""
    assert text.mark(b"abcd") == b""


def test_a_text_does_not_show_itself() -> None:
    """The representation names encoding and size."""
    assert repr(text.read("hunter2 é".encode("utf-16"))) == "<Text utf-16-le 10 bytes>"


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """Reading never fails and gives UTF-8 or the bytes themselves."""
    found = text.read(data)
    assert found is None or isinstance(found.string, str)
    assert text.read(b"") == text.Text(b"", "utf-8")


@given(st.text(alphabet="a\n", max_size=200), st.lists(st.integers(0, 200)), st.integers(1, 9))
def test_lines_are_counted_from_the_first(content: str, offsets: list[int], first: int) -> None:
    """The line of an offset is right in any order of asking."""
    lines = Lines(content.encode(), first)
    for offset in offsets:
        assert lines.at(offset) == first + content.count("\n", 0, offset)
