"""Certificates become facts however odd they are; what is none becomes our own error."""

from __future__ import annotations

import contextlib
import datetime
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.x509.oid import AuthorityInformationAccessOID
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import FormatError
from checks.printable import printable
from checks.secrets import der
from checks.tls import certificate
from checks.tls.signatures import Algorithm

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

    from tests.checks.tls.conftest import Issued, Maker


def _is_safe(text: str) -> bool:
    return printable(text) == text


def test_a_usual_certificate_is_read_whole(maker: Maker, root: Issued) -> None:
    """All facts of a certificate are those it was made with."""
    answers = [
        x509.AuthorityInformationAccess(
            [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP,
                    x509.UniformResourceIdentifier("http://ocsp.example/"),
                ),
                x509.AccessDescription(
                    AuthorityInformationAccessOID.CA_ISSUERS,
                    x509.UniformResourceIdentifier("http://ca.example/"),
                ),
            ]
        ),
        x509.TLSFeature([x509.TLSFeatureType.status_request]),
        x509.SubjectKeyIdentifier(b"own"),
        x509.AuthorityKeyIdentifier(b"issuer", None, None),
    ]
    key = maker.rsa_key()
    names = ["WWW.Example.org", "*.example.org", "192.0.2.1", "2001:db8::1"]
    made = maker.make(issuer=root, key=key, names=names, extra=answers)
    found = certificate.read(made.der)
    assert (found.subject, found.issuer) == ("CN=www.example.org", "CN=Test Root")
    assert found.extensions.names == ("www.example.org", "*.example.org")
    assert found.extensions.addresses == ("192.0.2.1", "2001:db8::1")
    assert found.not_after - maker.now == datetime.timedelta(days=80)
    assert found.lifetime == datetime.timedelta(days=90)
    assert (found.key.kind, found.key.bits, found.key.exponent) == ("rsa", 2048, 65537)
    assert found.key.modulus == key.public_key().public_numbers().n
    assert found.key.spki == certificate.key_digest(made.der)
    assert found.signature == Algorithm("ECDSA", "sha256")
    assert found.sha256 == made.sha256
    assert found.extensions.ocsp == ("http://ocsp.example/",)
    assert found.extensions.must_staple
    assert (found.extensions.subject_key, found.extensions.authority_key) == (b"own", b"issuer")
    assert not found.extensions.is_ca
    assert not found.self_signed
    assert found.label == "RSA 2048 certificate of www.example.org"


def test_an_authority_is_told_by_its_constraints(maker: Maker, root: Issued) -> None:
    """CA:TRUE makes an authority, and a root signed itself."""
    found = certificate.read(root.der)
    assert found.extensions.is_ca
    assert found.self_signed
    assert not certificate.read(maker.make(issuer=root).der).extensions.is_ca


def test_self_issued_is_not_self_signed(maker: Maker, root: Issued) -> None:
    """The same name twice does not make a certificate self-signed; its signature does."""
    assert not certificate.read(maker.make("Test Root", root).der).self_signed
    assert certificate.read(maker.make("Test Root").der).self_signed


@pytest.mark.parametrize(
    ("key", "label", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "EC secp384r1", "ECDSA"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519", "Ed25519"),
        (mldsa.MLDSA65PrivateKey.generate(), "mldsa65", "ML-DSA-65"),
    ],
)
def test_kinds_of_keys_are_named(
    maker: Maker, key: CertificateIssuerPrivateKeyTypes, label: str, algorithm: str
) -> None:
    """Elliptic curves, Edwards curves and ML-DSA are read and checked."""
    found = certificate.read(maker.make(key=key).der)
    assert found.key.label == label
    assert found.signature.name == algorithm
    assert found.self_signed


def test_what_stands_behind_a_certificate_is_left_out(maker: Maker, root: Issued) -> None:
    """Trailing bytes change neither the fingerprint nor the facts."""
    assert certificate.read(root.der + b"rest") == certificate.read(root.der)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("02081234567890abcdef", "0208f234567890abcdef"),  # a negative serial number
        ("0603551d11", "0603551d12"),  # names of the issuer in place of names
        ("820f7777772e6578616d706c652e6f7267", "820f7777772eff78616d706c652e6f7267"),
        ("820f7777772e6578616d706c652e6f7267", "870f7777772e6578616d706c652e6f7267"),
        ("820f7777772e6578616d706c652e6f7267", "82ff7777772e6578616d706c652e6f7267"),
        ("0603551d13", "0603551d11"),  # the same extension twice
    ],
)
def test_odd_certificates_are_read_all_the_same(
    maker: Maker, root: Issued, old: str, new: str
) -> None:
    """Negative serials, bad names and doubled extensions leave the other facts as they are."""
    odd = maker.resigned(maker.make(issuer=root), root, [(bytes.fromhex(old), bytes.fromhex(new))])
    found = certificate.read(odd.der)
    assert found.issuer == "CN=Test Root"
    assert found.key.label == "EC secp256r1"
    assert found.not_after - maker.now == datetime.timedelta(days=80)


def test_names_that_cannot_be_read_are_not_called_missing(maker: Maker, root: Issued) -> None:
    """An address of fifteen bytes means that the names are not known wholly."""
    changes = [(b"\x82\x0fwww.example.org", b"\x87\x0fwww.example.org")]
    odd = certificate.read(maker.resigned(maker.make(issuer=root), root, changes).der)
    assert not odd.extensions.names_whole
    assert certificate.read(maker.make(issuer=root).der).extensions.names_whole


def test_a_huge_list_of_names_is_bounded(maker: Maker, root: Issued) -> None:
    """Names fill a certificate to its limit in little time; a longer one is refused."""
    full = maker.make(issuer=root, names=[f"a{n}.example.org" for n in range(5000)])
    began = time.process_time()
    assert len(certificate.read(full.der).extensions.names) == 5000
    assert time.process_time() - began < 2
    with pytest.raises(FormatError, match="longer than any"):
        certificate.read(maker.tlv(0x30, bytes(certificate.LONGEST)))


def test_text_is_safe_to_print(maker: Maker) -> None:
    """Escape sequences in names are escaped, and long names cut."""
    found = certificate.read(maker.make("a\x1b[2J\u202e", names=["x\x07y"]).der)
    assert _is_safe(found.subject)
    assert _is_safe(found.label)
    assert "example" not in repr(certificate.read(maker.make().der))
    long = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x" * 64)] * 50)
    assert len(certificate.read(maker.make(subject=long).der).subject) < 200


@pytest.mark.parametrize(
    "encoded",
    [b"", b"\x30", b"\x30\x80\x00\x00", b"\x30\x00", b"\x30\x02\x30\x00", b"\x02\x01\x00"],
)
def test_what_is_no_certificate_is_our_error(encoded: bytes) -> None:
    """Short and empty structures are refused by name."""
    for reader in (certificate.read, certificate.subject_key, certificate.key_digest):
        with pytest.raises(FormatError):
            reader(encoded)


@given(st.binary(max_size=300))
def test_random_bytes_are_our_error(encoded: bytes) -> None:
    """No bytes but a certificate's are read as one."""
    for data in (encoded, b"\x30\x82" + len(encoded).to_bytes(2, "big") + encoded):
        with pytest.raises(FormatError):
            certificate.read(data)


@given(data=st.data())
def test_mutated_certificates_are_facts_or_our_error(
    data: st.DataObject, maker: Maker, root: Issued
) -> None:
    """Whatever byte is another, there are printable facts or FormatError."""
    changed = bytearray(root.der)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = certificate.read(bytes(changed))
    except FormatError:
        return
    assert _is_safe(found.subject + found.issuer + found.label)
    assert found.key.spki


@given(data=st.data())
def test_elements_may_be_exchanged(data: st.DataObject, maker: Maker, root: Issued) -> None:
    """Whole elements of a certificate may be missing, doubled or in each other's place."""
    body, *rest = der.read(root.der).children
    parts = [part.raw for part in body.children]
    chosen = data.draw(st.lists(st.sampled_from(parts), max_size=10))
    whole = maker.tlv(0x30, maker.tlv(0x30, *chosen), *(part.raw for part in rest))
    with contextlib.suppress(FormatError):
        assert certificate.read(whole).sha256


@given(data=st.data())
def test_a_glance_sees_what_a_look_sees(data: st.DataObject, root: Issued) -> None:
    """Subject and key are those of the whole certificate, whatever byte is another."""
    changed = bytearray(root.der)
    for _ in range(data.draw(st.integers(0, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    raw = bytes(changed)
    try:
        body = der.read(raw).children[0].children
        fields = body[1:] if body[0].tag == 0xA0 else body
        expected = fields[4].raw, fields[5].raw
    except (FormatError, IndexError):
        with pytest.raises(FormatError):
            certificate.glance(raw)
    else:
        assert certificate.glance(raw) == expected
