"""Names that clients take for the same are the same here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tls import distinguished
from tests.checks.tls.conftest import tlv

_COMMON, _COUNTRY = bytes.fromhex("550403"), bytes.fromhex("550406")
_UTF8, _PRINTABLE, _BMP = 0x0C, 0x13, 0x1E


def _name(*attributes: tuple[bytes, int, bytes]) -> bytes:
    sets = (tlv(0x31, tlv(0x30, tlv(6, oid), tlv(tag, text))) for oid, tag, text in attributes)
    return tlv(0x30, *sets)


_PLAIN = _name((_COUNTRY, _PRINTABLE, b"NL"), (_COMMON, _UTF8, b"Some Authority"))


@pytest.mark.parametrize(
    ("title", "tag"),
    [
        (b"Some Authority", _PRINTABLE),
        (b"SOME authority", _UTF8),
        (b"  Some   Authority ", _UTF8),
        ("Some Authority".encode("utf-16-be"), _BMP),
    ],
)
def test_case_blanks_and_types_make_no_difference(title: bytes, tag: int) -> None:
    """RFC 5280 7.1: the same text in another dress is the same name."""
    other = _name((_COUNTRY, _UTF8, b"nl"), (_COMMON, tag, title))
    assert distinguished.key(other) == distinguished.key(_PLAIN)


@pytest.mark.parametrize(
    "other",
    [
        _name((_COUNTRY, _PRINTABLE, b"NL")),
        _name((_COUNTRY, _PRINTABLE, b"NL"), (_COMMON, _UTF8, b"SomeAuthority")),
        _name((_COMMON, _PRINTABLE, b"NL"), (_COUNTRY, _UTF8, b"Some Authority")),
        _name((_COUNTRY, _PRINTABLE, b"NL\n550403='some authority'")),
        tlv(0x30),
        b"\x30\x05",
    ],
)
def test_other_names_are_others(other: bytes) -> None:
    """Fewer, other or exchanged attributes make another name, and so does what is malformed."""
    assert distinguished.key(other) != distinguished.key(_PLAIN)


def test_the_common_name_is_the_last() -> None:
    """Of several common names the last counts; a name without one has none."""
    two = _name((_COMMON, _UTF8, b"first"), (_COMMON, _UTF8, b"last"))
    assert distinguished.common_name(two) == "last"
    assert distinguished.common_name(_name((_COUNTRY, _PRINTABLE, b"NL"))) == ""
    assert distinguished.common_name(b"\x30\x05") == ""


@given(st.binary(max_size=80))
def test_any_bytes_have_a_key(name: bytes) -> None:
    """A name that cannot be read still equals itself, and nothing is raised."""
    for encoded in (name, tlv(0x30, tlv(0x31, name)), tlv(0x30, tlv(0x31, tlv(0x30, name)))):
        assert distinguished.key(encoded) == distinguished.key(encoded)
        assert isinstance(distinguished.common_name(encoded), str)
