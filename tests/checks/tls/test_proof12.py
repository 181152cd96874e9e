"""Whether a server of TLS 1.0 to 1.2 signed its half of the key agreement."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from checks.tls.proof12 import is_proved
from checks.tls.secrets12 import both_digests

SIGNED = b"what is signed"
RSA, EC = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP224R1())
DIGESTS = {2: hashes.SHA1(), 3: hashes.SHA224(), 4: hashes.SHA256(), 6: hashes.SHA512()}


def certificate(key: Any) -> bytes:  # noqa: ANN401 - any key
    name, day = x509.Name([]), datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, day, day)
    return built.sign(RSA, hashes.SHA256()).public_bytes(Encoding.DER)


def signature(key: Any, scheme: int) -> bytes:  # noqa: ANN401 - any key
    if key is EC:
        return EC.sign(SIGNED, ec.ECDSA(DIGESTS.get(scheme >> 8, hashes.SHA1())))
    if not scheme:
        return RSA.sign(both_digests(SIGNED), padding.PKCS1v15(), utils.NoDigestInfo())
    return RSA.sign(SIGNED, padding.PKCS1v15(), DIGESTS[scheme >> 8])


CASES = [(key, at << 8 | low) for at in DIGESTS for key, low in ((RSA, 1), (EC, 3))]


@pytest.mark.parametrize(("key", "scheme"), [*CASES, (RSA, 0), (EC, 0)])
def test_a_signature_is_proved_by_its_key_only(key: Any, scheme: int) -> None:  # noqa: ANN401 - any key
    """Every digest of 1.2, and those before it; not over other bytes, nor of another key."""
    made = signature(key, scheme)
    assert is_proved(certificate(key), scheme, made, SIGNED) is True
    assert is_proved(certificate(key), scheme, made, SIGNED + b"x") is False
    other = type(key) is type(RSA) and rsa.generate_private_key(65537, 2048)
    other = other or ec.generate_private_key(ec.SECP224R1())
    assert is_proved(certificate(other), scheme, made, SIGNED) is False


def test_a_scheme_of_1_3_counts_too() -> None:
    """RSA-PSS and Ed25519 are shared by both versions."""
    key = ed25519.Ed25519PrivateKey.generate()
    assert is_proved(certificate(key), 0x0807, key.sign(SIGNED), SIGNED) is True
    assert is_proved(certificate(key), 0x0807, key.sign(b""), SIGNED) is False


def test_what_is_not_known_is_not_said() -> None:
    """Of DSA, of an unknown digest and of what is no certificate nothing is said."""
    made = signature(RSA, 0x0401)
    for scheme in (0x0402, 0x0901 & 0x06FF, 0x0601 & 0x00FF, 0x0403):
        assert is_proved(certificate(RSA), scheme, made, SIGNED) is not True
    assert is_proved(b"no certificate", 0x0401, made, SIGNED) is None


@given(st.integers(0, 0xFFFF), st.binary(max_size=300))
def test_no_bytes_raise_anything(scheme: int, made: bytes) -> None:
    """Whatever scheme and signature a peer sends, nothing is proved by them."""
    assert is_proved(certificate(EC), scheme, made, SIGNED) is not True
