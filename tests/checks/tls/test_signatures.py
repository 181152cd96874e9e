"""Signatures are checked by real keys, each with one that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa

from checks.tls import signatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    from tests.checks.tls.conftest import Issued, Maker


def _parsed(one: Issued) -> x509.Certificate:
    return x509.load_der_x509_certificate(one.der)


@pytest.mark.parametrize(
    "kind",
    [
        lambda: ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate,
        ed448.Ed448PrivateKey.generate,
        mldsa.MLDSA44PrivateKey.generate,
        mldsa.MLDSA87PrivateKey.generate,
    ],
)
def test_a_signature_fits_its_key_only(
    maker: Maker, kind: Callable[[], CertificateIssuerPrivateKeyTypes]
) -> None:
    """Each kind of key verifies what it signed, and nothing that another one of its kind did."""
    one, other = (maker.authority("Root", key=kind()) for _ in range(2))
    made = _parsed(maker.make(issuer=one))
    assert signatures.is_signed_by(made, _parsed(one)) is True
    assert signatures.is_signed_by(made, _parsed(other)) is False


def test_rsa_fits_in_both_paddings(maker: Maker) -> None:
    """RSA signatures are checked in PKCS #1 v1.5 and in PSS."""
    one, other = (maker.authority("Root", key=maker.rsa_key(number)) for number in (0, 1))
    plain = maker.make(issuer=one)
    builder = x509.CertificateBuilder(
        one.subject, one.subject, one.key.public_key(), 7, maker.now, maker.now
    )
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    salted = builder.sign(one.key, hashes.SHA256(), rsa_padding=scheme)
    assert signatures.algorithm(salted) == ("RSA-PSS", "sha256")
    assert signatures.algorithm(_parsed(plain)) == ("RSA", "sha256")
    for made in (_parsed(plain), salted):
        assert signatures.is_signed_by(made, _parsed(one)) is True
        assert signatures.is_signed_by(made, _parsed(other)) is False


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_old_hashes_are_still_checked(maker: Maker, digest: str) -> None:
    """What no library signs any more is verified, and named."""
    one, other = (maker.authority("Root", key=maker.rsa_key(number)) for number in (0, 1))
    made = _parsed(maker.signed_old(maker.make(issuer=one), one, digest))
    assert signatures.algorithm(made) == ("RSA", digest)
    assert signatures.is_signed_by(made, _parsed(one)) is True
    assert signatures.is_signed_by(made, _parsed(other)) is False


def test_dsa_is_checked(maker: Maker, root: Issued) -> None:
    """DSA signatures, which nobody should make any more, are checked."""
    key = dsa.generate_private_key(2048)
    one = maker.make("Root", root, public=key.public_key(), ca=True)._replace(key=key)
    builder = x509.CertificateBuilder(
        one.subject, one.subject, key.public_key(), 7, maker.now, maker.now
    )
    made = builder.sign(key, hashes.SHA256())
    assert signatures.is_signed_by(made, _parsed(one)) is True
    assert signatures.is_signed_by(_parsed(root), _parsed(one)) is False


def test_a_key_of_another_kind_does_not_fit(maker: Maker) -> None:
    """An RSA signature is not an ECDSA one, nor the other way round."""
    one = _parsed(maker.authority("Root", key=maker.rsa_key()))
    other = _parsed(maker.authority("Root"))
    assert signatures.is_signed_by(one, other) is False
    assert signatures.is_signed_by(other, one) is False


def test_exponents_beyond_use_are_not_computed_with(maker: Maker) -> None:
    """A key whose exponent has thousands of bits is not tried: it would take 10 ms each time."""
    numbers = maker.rsa_key().public_key().public_numbers()
    huge = rsa.RSAPublicNumbers(numbers.n - 2, numbers.n).public_key()
    one = maker.make("Root", public=huge, key=maker.rsa_key())
    assert signatures.is_signed_by(_parsed(one), _parsed(one)) is None
    sound = maker.make("Root", key=maker.rsa_key())
    assert signatures.is_signed_by(_parsed(one), _parsed(sound)) is True
