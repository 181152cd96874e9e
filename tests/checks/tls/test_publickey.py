"""Public keys are described, also those that the library refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from checks.secrets import der
from checks.tls import publickey
from tests.checks.tls.conftest import tlv

if TYPE_CHECKING:
    from tests.checks.tls.conftest import Maker

_EC = bytes.fromhex("06072a8648ce3d0201")
_UNKNOWN_CURVE = bytes.fromhex("06052b81040006")
_RSA = bytes.fromhex("06092a864886f70d010101")


def _read(maker: Maker, *parts: bytes) -> publickey.Key:
    """Describe a key as if the library had refused it: that of the certificate is of no kind."""
    unknown = maker.make(key=maker.rsa_key()).der
    unknown = unknown.replace(_RSA + b"\x05", _RSA[:-1] + b"\x7f\x05", 1)
    return publickey.read(der.read(tlv(0x30, *parts)), x509.load_der_x509_certificate(unknown))


def test_what_the_library_loads_has_a_name(maker: Maker) -> None:
    """The label says kind and size."""
    made = x509.load_der_x509_certificate(maker.make().der)
    info = der.read(made.tbs_certificate_bytes).children[6]
    key = publickey.read(info, made)
    assert (key.kind, key.curve, key.bits, key.label) == ("ec", "secp256r1", 256, "EC secp256r1")


def test_a_curve_that_is_not_known_has_a_size(maker: Maker) -> None:
    """A point tells how wide the curve's numbers are, compressed or not."""
    algorithm = tlv(0x30, _EC, _UNKNOWN_CURVE)
    for point in (b"\x04" + bytes(28), b"\x02" + bytes(14)):
        key = _read(maker, algorithm, tlv(3, b"\0" + point))
        assert (key.kind, key.bits, key.curve) == ("ec", 112, "1.3.132.0.6")


def test_numbers_of_an_rsa_key_are_read_all_the_same(maker: Maker) -> None:
    """An RSA key with the exponent 1 still has a modulus."""
    numbers = tlv(0x30, tlv(2, b"\0\xff" + bytes(126) + b"\1"), tlv(2, b"\1"))
    key = _read(maker, tlv(0x30, _RSA), tlv(3, b"\0" + numbers))
    assert (key.kind, key.bits, key.exponent, key.label) == ("rsa", 1024, 1, "RSA 1024")
    assert key.modulus.bit_length() == 1024


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (tlv(0x30),),
        (tlv(0x30), tlv(3)),
        (tlv(0x30, _RSA), tlv(3)),
        (tlv(0x30, _RSA), tlv(3, b"\0", tlv(0x30))),
        (tlv(0x30, _EC), tlv(3)),
        (tlv(0x30, tlv(6, b"\x2a\x03")), tlv(3, b"\0key")),
    ],
)
def test_rubbish_has_a_fingerprint_and_nothing_else(maker: Maker, parts: tuple[bytes, ...]) -> None:
    """A key nobody can read is told from others by its digest."""
    key = _read(maker, *parts)
    assert (key.bits, key.modulus, key.exponent) == (0, 0, 0)
    assert len(key.spki) == 64


@given(parts=st.lists(st.binary(max_size=60), max_size=3))
def test_any_bytes_are_described(maker: Maker, parts: list[bytes]) -> None:
    """Nothing in a key's place raises an error."""
    assert _read(maker, *parts).spki
    assert _read(maker, tlv(0x30, _RSA), tlv(3, b"\0", tlv(0x30, *parts))).kind == "rsa"
