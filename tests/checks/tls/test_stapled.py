"""What an OCSP answer tells of a certificate, and what proves nothing of it."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from checks.tls import certificate, stapled
from checks.tls.stapled import Told

if TYPE_CHECKING:
    from tests.checks.tls.conftest import Issued, Maker

_DAY = datetime.timedelta(days=1)


def _answer(maker: Maker, root: Issued, leaf: Issued, **wishes: Any) -> bytes:  # noqa: ANN401 - the maker's
    """Make an answer of a responder; what a test does not say is as it should be."""
    issuer = x509.load_der_x509_certificate(root.der)
    said = {
        "cert_status": ocsp.OCSPCertStatus.GOOD,
        "this_update": maker.now - _DAY,
        "next_update": maker.now + _DAY,
        "revocation_time": None,
        "revocation_reason": None,
        **wishes,
    }
    built = ocsp.OCSPResponseBuilder().add_response(
        cert=x509.load_der_x509_certificate(leaf.der),
        issuer=issuer,
        algorithm=hashes.SHA1(),
        **said,
    )
    named = built.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
    return named.sign(root.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _told(maker: Maker, answer: bytes, leaf: Issued) -> Told:
    return stapled.read(answer, certificate.read(leaf.der), maker.now)


@pytest.mark.parametrize(
    ("wishes", "doubt"),
    [
        ({}, ""),
        ({"next_update": None}, ""),
        ({"cert_status": ocsp.OCSPCertStatus.UNKNOWN}, "the one sent says unknown"),
        (
            {"this_update_days": -9, "next_update_days": -2},
            "the one sent ended on 2026-05-30 12:00 UTC",
        ),
    ],
)
def test_an_answer_counts_while_it_lasts_and_says_good(
    maker: Maker, root: Issued, wishes: dict[str, Any], doubt: str
) -> None:
    """Without an end it lasts; past its end, or without a word on the status, it proves nothing."""
    leaf = maker.make(issuer=root)
    moved = {
        name.removesuffix("_days"): maker.now + value * _DAY if name.endswith("_days") else value
        for name, value in wishes.items()
    }
    assert _told(maker, _answer(maker, root, leaf, **moved), leaf) == Told(doubt)


def test_a_revoked_certificate_is_told_with_its_day(maker: Maker, root: Issued) -> None:
    """The day is the one from which nothing that the key signs counts."""
    leaf, since = maker.make(issuer=root), maker.now - 5 * _DAY
    wishes = {"cert_status": ocsp.OCSPCertStatus.REVOKED, "revocation_time": since}
    assert _told(maker, _answer(maker, root, leaf, **wishes), leaf).revoked == since


def test_errors_and_answers_for_others_prove_nothing(maker: Maker, root: Issued) -> None:
    """RFC 6960 2.3: an error has no status; nor is another certificate's status ours."""
    leaf = maker.make(issuer=root)
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    error = later.public_bytes(Encoding.DER)
    assert _told(maker, error, leaf) == Told("the one sent is the error try_later")
    other = maker.resigned(leaf, root, [(b"\x12\x34\x56\x78\x90", b"\x12\x34\x56\x78\x91")])
    strange = _answer(maker, root, other)
    assert _told(maker, strange, leaf) == Told("the one sent is for another certificate")
    assert _told(maker, strange, other) == Told()


@pytest.mark.parametrize("answer", [b"", b"an answer", b"\x30\x80", b"\x30\x03\x0a\x01\x00"])
def test_what_is_no_answer_is_told_as_such(maker: Maker, root: Issued, answer: bytes) -> None:
    """Whatever a server sends, something can be said of it."""
    leaf = maker.make(issuer=root)
    assert _told(maker, answer, leaf).doubt
