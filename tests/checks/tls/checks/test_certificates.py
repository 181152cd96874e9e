"""Faults of a server's own certificate, each with its negative control."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from checks.model import Severity
from checks.printable import printable
from checks.tls import certificate
from checks.tls.checks.certificates import CHECKS, judge

if TYPE_CHECKING:
    from checks.tls.faults import Fault
    from tests.checks.tls.conftest import Issued, Maker

_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])


def _faults(
    maker: Maker,
    root: Issued,
    *sent: Issued,
    server_name: str = "www.example.org",
    staple: bytes = b"",
) -> dict[str, Fault]:
    """Give the faults by check of a chain on a host that trusts ROOT."""
    facts = maker.facts(sent, server_name=server_name, staple=staple)
    found = list(judge(facts, maker.context(root)))
    assert len({fault.check for fault in found}) == len(found)
    assert all(fault.check in CHECKS for fault in found)
    return {fault.check: fault for fault in found}


def _answer(
    maker: Maker, root: Issued, leaf: Issued, since: datetime.datetime | None = None
) -> bytes:
    """Make the OCSP answer that a certificate is good, or that it was revoked."""
    day, status = datetime.timedelta(days=1), ocsp.OCSPCertStatus
    certificates = [x509.load_der_x509_certificate(one.der) for one in (leaf, root)]
    built = ocsp.OCSPResponseBuilder().add_response(
        *certificates,
        hashes.SHA1(),
        status.REVOKED if since else status.GOOD,
        maker.now - day,
        maker.now + day,
        since,
        None,
    )
    named = built.responder_id(ocsp.OCSPResponderEncoding.HASH, certificates[1])
    return named.sign(root.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_sound_certificate_has_no_fault(
    maker: Maker, root: Issued, middle: Issued, leaf: Issued
) -> None:
    """A certificate with names and most of its life ahead gives nothing."""
    assert _faults(maker, root, leaf, middle) == {}


def test_an_expired_certificate_is_that_only(maker: Maker, root: Issued) -> None:
    """Past its last second it is expired, and no longer called expiring."""
    gone = maker.make(issuer=root, life=90, left=-1)
    found = _faults(maker, root, gone)
    assert list(found) == ["cert-expired"]
    assert "2026-05-31 12:00 UTC" in found["cert-expired"].message
    assert found["cert-expired"].fact == gone.sha256


def test_the_last_second_is_valid(maker: Maker, root: Issued) -> None:
    """notAfter is part of the validity (RFC 5280 4.1.2.5)."""
    assert "cert-expired" not in _faults(maker, root, maker.make(issuer=root, left=0))


def test_a_certificate_of_tomorrow_is_not_yet_valid(maker: Maker, root: Issued) -> None:
    """Before its first second it is not yet valid; from then on it is."""
    early = maker.make(issuer=root, start=maker.now + datetime.timedelta(seconds=1))
    assert list(_faults(maker, root, early)) == ["cert-not-yet-valid"]
    assert _faults(maker, root, maker.make(issuer=root, start=maker.now)) == {}


@pytest.mark.parametrize(
    ("life", "left", "severity"),
    [
        (45, 20, ""),
        (90, 20, "medium"),
        (90, 31, ""),
        (90, 30, ""),
        (90, 29, "medium"),
        (90, 9, "medium"),
        (90, 8, "high"),
        (6, 3, ""),
        (6, 1, "medium"),
        (366, 100, "medium"),
        (366, 36, "high"),
    ],
)
def test_expiring_is_a_share_of_life(
    maker: Maker, root: Issued, life: int, left: int, severity: str
) -> None:
    """Under a third of its life it is expiring, under a tenth badly so, whatever the days."""
    found = _faults(maker, root, maker.make(issuer=root, life=life, left=left))
    fault = found.get("cert-expiring")
    given = (fault.severity or CHECKS["cert-expiring"].severity) if fault else None
    assert (given.label if given is not None else "") == severity


def test_the_share_is_the_policy_s(maker: Maker, root: Issued) -> None:
    """Another share than a third can be asked for."""
    facts = maker.facts([maker.make(issuer=root, life=90, left=40)])
    for share, count in ((0.4, 0), (0.5, 1)):
        assert len(list(judge(facts, maker.context(root, expiring=share)))) == count


@pytest.mark.parametrize(
    ("names", "wanted", "fits"),
    [
        (["www.example.org"], "www.example.org", True),
        (["www.example.org"], "other.example.org", False),
        (["*.example.org"], "www.example.org", True),
        (["*.example.org"], "a.www.example.org", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["www.example.org"], "", True),
    ],
)
def test_names_are_compared_with_the_one_asked_for(
    maker: Maker, root: Issued, names: list[str], wanted: str, *, fits: bool
) -> None:
    """A certificate that does not cover the server name mismatches; without a name none does."""
    leaf = maker.make(issuer=root, names=names)
    found = _faults(maker, root, leaf, server_name=wanted)
    assert list(found) == ([] if fits else ["cert-name-mismatch"])


def test_a_mismatch_names_a_few_of_many_names(maker: Maker, root: Issued) -> None:
    """A fault stays one line however many names the certificate has."""
    leaf = maker.make(issuer=root, names=[f"a{n}.example.org" for n in range(500)])
    message = _faults(maker, root, leaf, server_name="b.example.org")["cert-name-mismatch"].message
    assert "a0.example.org" in message
    assert len(message) < 400


def test_the_common_name_is_no_name(maker: Maker, root: Issued) -> None:
    """Without a subject alternative name that is the fault, and not a mismatch beside it."""
    assert list(_faults(maker, root, maker.make(issuer=root, names=()))) == ["cert-no-san"]
    other = maker.make("other.example.org", root, names=())
    assert set(_faults(maker, root, other)) == {"cert-no-san", "cert-name-mismatch"}


def test_mail_addresses_are_no_names_of_servers(maker: Maker, root: Issued) -> None:
    """An alternative name of another kind does not make up for a missing one."""
    mail = maker.make(issuer=root, names=["admin@example.org"])
    assert list(_faults(maker, root, mail)) == ["cert-no-san"]


def test_must_staple_demands_a_staple(maker: Maker, root: Issued) -> None:
    """A certificate with must-staple needs an OCSP answer; any other does not."""
    strict = maker.make(issuer=root, extra=[_STAPLE])
    assert list(_faults(maker, root, strict)) == ["cert-must-staple-missing"]
    assert _faults(maker, root, strict, staple=_answer(maker, root, strict)) == {}
    assert _faults(maker, root, maker.make(issuer=root)) == {}


def test_a_staple_that_proves_nothing_is_none(maker: Maker, root: Issued) -> None:
    """What a server sends in the place of an answer is named, and demanded of must-staple only."""
    strict = maker.make(issuer=root, extra=[_STAPLE])
    found = _faults(maker, root, strict, staple=b"an answer")
    assert list(found) == ["cert-must-staple-missing"]
    assert found["cert-must-staple-missing"].message.endswith("and the one sent cannot be read")
    assert _faults(maker, root, maker.make(issuer=root), staple=b"an answer") == {}


def test_a_server_may_tell_of_its_own_revocation(maker: Maker, root: Issued) -> None:
    """A stapled "revoked" counts for every certificate, and is told instead of the staple."""
    strict = maker.make(issuer=root, extra=[_STAPLE])
    staple = _answer(maker, root, strict, since=maker.now - datetime.timedelta(days=5))
    found = _faults(maker, root, strict, staple=staple)
    assert list(found) == ["cert-revoked"]
    assert "2026-05-27 12:00 UTC" in found["cert-revoked"].message


def test_one_staple_for_a_certificate_is_enough(maker: Maker, root: Issued) -> None:
    """Of two looks at one certificate the one that brought a staple counts."""
    strict = maker.make(issuer=root, extra=[_STAPLE])
    facts = maker.facts([strict], [strict])
    stapled = msgspec.structs.replace(facts.chains[1], staple=_answer(maker, root, strict))
    facts = msgspec.structs.replace(facts, chains=(facts.chains[0], stapled))
    assert list(judge(facts, maker.context(root))) == []


def test_an_authority_is_no_server(maker: Maker, root: Issued) -> None:
    """A certificate that may issue others should not be on a server."""
    both = maker.make(issuer=root, ca=True, names=[maker.host])
    assert list(_faults(maker, root, both)) == ["cert-ca-as-leaf"]


@pytest.mark.parametrize(
    ("since", "days", "allowed"),
    [
        ((2020, 8, 31), 800, True),
        ((2020, 9, 1), 398, True),
        ((2020, 9, 1), 399, False),
        ((2026, 3, 14), 398, True),
        ((2026, 3, 15), 200, True),
        ((2026, 3, 15), 201, False),
        ((2027, 3, 14), 200, True),
        ((2027, 3, 15), 100, True),
        ((2027, 3, 15), 101, False),
        ((2029, 3, 14), 100, True),
        ((2029, 3, 15), 47, True),
        ((2029, 3, 15), 48, False),
    ],
)
def test_public_certificates_may_last_so_long(
    maker: Maker, root: Issued, since: tuple[int, int, int], days: int, *, allowed: bool
) -> None:
    """The allowed life goes by the first day of validity, and holds for public roots only."""
    first = datetime.datetime(*since, tzinfo=datetime.UTC)
    facts = maker.facts([maker.make(issuer=root, start=first, life=days)])
    public = frozenset({certificate.key_digest(root.der)})
    now = first + datetime.timedelta(days=1)
    known = maker.context(root, public=public)._replace(now=now)
    private = maker.context(root, public=frozenset({hashlib.sha256().hexdigest()}))._replace(
        now=now
    )
    assert [f.check for f in judge(facts, known)] == ([] if allowed else ["cert-lifetime"])
    assert list(judge(facts, private)) == []


def test_both_certificates_of_a_pair_are_judged(maker: Maker, root: Issued) -> None:
    """Of an RSA and an ECDSA certificate the expired one is found, and which it is."""
    old = maker.make(issuer=root, key=maker.rsa_key(), left=-3)
    facts = maker.facts([maker.make(issuer=root)], [old], [old, root])
    found = list(judge(facts, maker.context(root)))
    assert [fault.check for fault in found] == ["cert-expired"]
    assert found[0].message.startswith("RSA 2048 certificate of www.example.org")


def test_faults_are_safe_to_print(maker: Maker, root: Issued) -> None:
    """Names with escape sequences come out escaped, on one line."""
    evil = maker.make("bad\x1b[31m\n\u202ename", root, names=(), left=-1)
    found = _faults(maker, root, evil)
    assert set(found) == {"cert-expired", "cert-name-mismatch", "cert-no-san"}
    for fault in found.values():
        assert printable(fault.message) == fault.message


def test_severities_are_the_stated_ones() -> None:
    """Each check has the severity that policies build on."""
    assert {check: text.severity for check, text in CHECKS.items()} == {
        "cert-ca-as-leaf": Severity.MEDIUM,
        "cert-expired": Severity.CRITICAL,
        "cert-expiring": Severity.MEDIUM,
        "cert-lifetime": Severity.MEDIUM,
        "cert-must-staple-missing": Severity.HIGH,
        "cert-name-mismatch": Severity.HIGH,
        "cert-no-san": Severity.MEDIUM,
        "cert-not-yet-valid": Severity.HIGH,
        "cert-revoked": Severity.CRITICAL,
    }
