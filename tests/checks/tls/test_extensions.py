"""Extensions are read as far as they can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets import der
from checks.tls import extensions
from checks.tls.extensions import Extensions
from tests.checks.tls.conftest import tlv

_NAMES, _USAGE, _CONSTRAINTS = (bytes.fromhex(oid) for oid in ("551d11", "551d0f", "551d13"))
_ACCESS, _FEATURE = (bytes.fromhex(f"2b060105050701{last}") for last in ("01", "18"))
_OCSP = bytes.fromhex("2b06010505073001")


def _read(*found: tuple[bytes, bytes]) -> Extensions:
    each = (tlv(0x30, tlv(6, oid), tlv(4, value)) for oid, value in found)
    return extensions.read(der.read(tlv(0x30, *each)))


def test_a_certificate_without_extensions_has_none() -> None:
    """Version 1 certificates say nothing: no names, no authority, any use."""
    assert extensions.read(None) == Extensions()


def test_names_and_addresses_are_told_apart() -> None:
    """DNS names and addresses are kept in order; mail addresses are passed over."""
    value = tlv(0x30, tlv(0x81, b"a@b"), tlv(0x82, b"A.Example"), tlv(0x87, b"\xc0\0\2\1"))
    found = _read((_NAMES, value))
    assert (found.names, found.addresses) == (("a.example",), ("192.0.2.1",))
    assert found.names_whole


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (tlv(0x30), True),
        (tlv(0x30, tlv(0x87, bytes(5))), False),
        (tlv(0x30, b"\x82\x20short"), False),
        (b"", False),
        (b"\x30\x05", False),
        (tlv(0x30, tlv(0x82, b"a.example")) + b"rest", False),
    ],
)
def test_malformed_names_are_not_whole(value: bytes, *, whole: bool) -> None:
    """An empty list is a list; one that is cut off may have had any name."""
    assert _read((_NAMES, value)).names_whole is whole


@pytest.mark.parametrize(
    ("value", "is_ca"),
    [
        (tlv(0x30, tlv(1, b"\xff")), True),
        (tlv(0x30, tlv(1, b"\xff"), tlv(2, b"\0")), True),
        (tlv(0x30, tlv(1, b"\0")), False),
        (tlv(0x30, tlv(1)), False),
        (tlv(0x30), False),
        (tlv(0x30, tlv(2, b"\1")), False),
        (b"\xff", False),
    ],
)
def test_only_a_true_boolean_makes_an_authority(value: bytes, *, is_ca: bool) -> None:
    """CA:FALSE, nothing and rubbish make none."""
    assert _read((_CONSTRAINTS, value)).is_ca is is_ca


@pytest.mark.parametrize(
    ("value", "may_sign"),
    [
        (tlv(3, b"\x01\x06"), True),
        (tlv(3, b"\x05\xa0"), False),
        (tlv(3, b"\0"), False),
        (tlv(3), False),
        (b"\x03", False),
    ],
)
def test_key_usage_allows_signing_by_one_bit(value: bytes, *, may_sign: bool) -> None:
    """keyCertSign is the sixth bit; without the extension everything is allowed."""
    assert _read((_USAGE, value)).may_sign is may_sign
    assert _read().may_sign


def test_the_first_of_two_extensions_counts() -> None:
    """A second extension of a kind does not override the first."""
    first, second = (tlv(0x30, tlv(0x82, name)) for name in (b"a.example", b"b.example"))
    assert _read((_NAMES, first), (_NAMES, second)).names == ("a.example",)


def test_must_staple_is_feature_five() -> None:
    """Other features of RFC 7633 demand no staple."""
    assert _read((_FEATURE, tlv(0x30, tlv(2, b"\x05")))).must_staple
    assert not _read((_FEATURE, tlv(0x30, tlv(2, b"\x11")))).must_staple


def test_addresses_of_ocsp_are_few_and_printable() -> None:
    """However many and long they are, a few are kept, escaped and cut."""
    one = tlv(0x30, tlv(6, _OCSP), tlv(0x86, b"http://\x1b[2J" + b"x" * 4000))
    found = _read((_ACCESS, tlv(0x30, *[one] * 50))).ocsp
    assert 0 < len(found) < 10
    assert all(url.isprintable() and len(url) < 400 for url in found)


@given(st.lists(st.tuples(st.sampled_from([_NAMES, _USAGE, _CONSTRAINTS, _ACCESS, _FEATURE]),
                          st.binary(max_size=40))))  # fmt: skip
def test_any_values_are_read(found: list[tuple[bytes, bytes]]) -> None:
    """Whatever stands in an extension, something frozen comes out."""
    assert isinstance(_read(*found), Extensions)
    assert isinstance(_read(*((oid, tlv(0x30, value)) for oid, value in found)), Extensions)
