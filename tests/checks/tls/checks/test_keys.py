"""Faults of keys and signatures along a chain, each with its negative control."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from checks.model import Severity
from checks.printable import printable
from checks.tls.checks.keys import CHECKS, judge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.tls.faults import Fault
    from tests.checks.tls.conftest import Issued, Maker


def _faults(maker: Maker, trusted: Issued, *chains: Iterable[Issued]) -> list[Fault]:
    found = list(judge(maker.facts(*chains), maker.context(trusted)))
    assert all(fault.check in CHECKS for fault in found)
    assert all(printable(fault.message) == fault.message for fault in found)
    return found


def _ids(maker: Maker, trusted: Issued, *chains: Iterable[Issued]) -> list[str]:
    return [fault.check for fault in _faults(maker, trusted, *chains)]


def _public(modulus: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def test_usual_keys_have_no_fault(maker: Maker, root: Issued) -> None:
    """RSA 2048, P-256 and Ed25519 are sound."""
    ed = ed25519.Ed25519PrivateKey.generate()
    for key in (maker.rsa_key(), ec.generate_private_key(ec.SECP256R1()), ed):
        assert _ids(maker, root, [maker.make(issuer=root, key=key)]) == []


def test_short_keys_are_weak(maker: Maker, root: Issued) -> None:
    """RSA under 2048 bits and curves under 224 are weak, and so is DSA."""
    short = maker.rsa_key(bits=1024)
    narrow = ec.generate_private_key(ec.SECP192R1())
    old = dsa.generate_private_key(1024)
    for key in (short, narrow, old):
        (fault,) = _faults(maker, root, [maker.make(issuer=root, public=key.public_key())])
        assert (fault.check, fault.severity) == ("cert-key-weak", None)
    assert _ids(maker, root, [maker.make(issuer=root, public=maker.rsa_key().public_key())]) == []


def test_a_weak_key_of_an_intermediate_is_told_with_its_own_fingerprint(
    maker: Maker, root: Issued
) -> None:
    """Every key of the path counts; one that was sent and is not needed does not."""
    weak = maker.authority("Weak Intermediate", root, key=maker.rsa_key(bits=1024))
    (fault,) = _faults(maker, root, [maker.make(issuer=weak), weak])
    assert (fault.check, fault.fact) == ("cert-key-weak", weak.sha256)
    assert _ids(maker, root, [maker.make(issuer=root), weak]) == []


def test_small_exponents_are_unsound(maker: Maker, root: Issued) -> None:
    """An exponent of 3 is a fault of what was issued, and none of a root."""
    three = maker.rsa_key(exponent=3)
    (fault,) = _faults(maker, root, [maker.make(issuer=root, key=three)])
    assert fault.check == "cert-exponent"
    assert fault.message.endswith("has the RSA exponent 3")
    old_root = maker.authority("Root With Three", key=three)
    assert _ids(maker, old_root, [maker.make(issuer=old_root), old_root]) == []


@pytest.mark.parametrize("exponent", [b"\x01\x00\x00", b"\x00\x00\x01", b"\x00\xff\xff"])
def test_exponents_that_the_library_refuses_are_judged_all_the_same(
    maker: Maker, root: Issued, exponent: bytes
) -> None:
    """Even, one, and under 65537: the certificate is read though its key cannot be loaded."""
    made = maker.make(issuer=root, key=maker.rsa_key())
    odd = maker.resigned(made, root, [(b"\x02\x03\x01\x00\x01", b"\x02\x03" + exponent)])
    assert _ids(maker, root, [odd]) == ["cert-exponent"]


def test_huge_exponents_are_unsound(maker: Maker, root: Issued) -> None:
    """An exponent over 256 bits is named by its length: it may have ten thousand digits."""
    modulus = maker.rsa_key().public_key().public_numbers().n
    (fault,) = _faults(maker, root, [maker.make(issuer=root, public=_public(modulus, modulus - 2))])
    assert fault.check == "cert-exponent"
    assert fault.message.endswith("of 2048 bits")
    allowed = _public(modulus, (1 << 255) + 1)
    assert _ids(maker, root, [maker.make(issuer=root, public=allowed)]) == []


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_broken_hashes_are_told(maker: Maker, digest: str) -> None:
    """A signature with MD5 or SHA-1 is a fault of any certificate that is not self-signed."""
    old = maker.authority("Old Root", key=maker.rsa_key())
    old = maker.signed_old(old, old, digest)
    middle = maker.authority("Intermediate", old)
    leaf = maker.make(issuer=middle)
    assert _ids(maker, old, [leaf, middle, old]) == []
    weak = maker.signed_old(middle, old, digest)
    (fault,) = _faults(maker, old, [leaf, weak, old])
    assert (fault.check, fault.fact) == ("cert-signature-weak", weak.sha256)
    assert digest.upper() in fault.message


def test_the_signature_on_a_trusted_certificate_is_not_looked_at(maker: Maker) -> None:
    """What the host trusts by itself needs no signature."""
    old = maker.authority("Old Root", key=maker.rsa_key())
    middle = maker.signed_old(maker.authority("Intermediate", old), old, "sha1")
    assert _ids(maker, middle, [maker.make(issuer=middle)]) == []
    assert _ids(maker, old, [maker.make(issuer=middle), middle]) == ["cert-signature-weak"]


def test_a_small_factor_gives_the_key_away(maker: Maker, root: Issued) -> None:
    """A modulus that a child can divide is compromised; a sound one is not."""
    modulus = maker.rsa_key().public_key().public_numbers().n
    bad = maker.make(issuer=root, public=_public(modulus * 3))
    (fault,) = _faults(maker, root, [bad])
    assert (fault.check, fault.fact) == ("cert-key-compromised", bad.sha256)
    assert _ids(maker, root, [maker.make(issuer=root, public=_public(modulus))]) == []


def test_a_prime_in_two_keys_gives_both_away(maker: Maker, root: Issued) -> None:
    """Two certificates of one endpoint whose moduli have a common prime are both compromised."""
    first, second = (maker.rsa_key(number).private_numbers() for number in (0, 1))
    mixed = _public(first.p * second.q)
    assert math.gcd(first.public_numbers.n, first.p * second.q) > 1
    one = maker.make(issuer=root, key=maker.rsa_key(0))
    two = maker.make(issuer=root, public=mixed)
    found = _faults(maker, root, [one], [two])
    assert [fault.check for fault in found] == ["cert-key-compromised"] * 2
    assert {fault.fact for fault in found} == {one.sha256, two.sha256}
    sound = maker.make(issuer=root, key=maker.rsa_key(1))
    assert _ids(maker, root, [one], [sound], [one]) == []


def test_one_key_in_two_certificates_is_no_fault(maker: Maker, root: Issued) -> None:
    """A renewed certificate with the same key shares everything, and gives nothing away."""
    pair = [[maker.make(issuer=root, key=maker.rsa_key(), life=life)] for life in (90, 91)]
    assert _ids(maker, root, *pair) == []


def test_key_kinds_without_faults_are_passed_over(maker: Maker, root: Issued) -> None:
    """A key of a kind that is not known here is not called weak."""
    made = maker.make(issuer=root, key=ed25519.Ed25519PrivateKey.generate())
    strange = maker.resigned(made, root, [(b"\x06\x03\x2b\x65\x70", b"\x06\x03\x2b\x65\x7f")])
    assert x509.load_der_x509_certificate(strange.der)
    assert _ids(maker, root, [strange]) == []


def test_severities_are_the_stated_ones() -> None:
    """Each check has the severity that policies build on."""
    assert {check: text.severity for check, text in CHECKS.items()} == {
        "cert-exponent": Severity.MEDIUM,
        "cert-key-compromised": Severity.CRITICAL,
        "cert-key-weak": Severity.HIGH,
        "cert-signature-weak": Severity.HIGH,
    }
