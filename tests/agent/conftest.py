"""Endpoints, certificates and keys of a made-up host, some of them with hostile names."""

from __future__ import annotations

import msgspec
import pytest

from agent.endpoints import Heard
from agent.inventory import Gathered, Held
from agent.report import Report
from checks.keyfiles import KeySeen
from checks.model import Access, Confidence, Finding, Inconclusive, Location, Severity
from checks.secrets.keys import KeyFacts
from checks.tls.config import Setting
from checks.tls.keyuse import KeyFile, Use
from checks.tls.listeners import Listener
from checks.tls.spoken import Kind, Spoken
from checks.tls.summary import CertificateSummary, EndpointSummary, Owner, SuiteSummary

HOSTILE = "/etc/x/=cmd|' /C calc'!A0;=1+1\x1b[2J\n\"\udcff\u202e.key"
TAKEN = "2026-06-01T12:00:00+00:00"
ACCESS = Access(0, 33, 0o640, "root", "www-data")
OWNER = Owner("nginx", "nginx.service", "/usr/sbin/nginx", "root")


def _certificate(name: str, number: int, ends: str) -> CertificateSummary:
    return CertificateSummary(
        subject=f"CN={name}",
        issuer="CN=Test CA",
        names=(name, f"www.{name}"),
        not_before="2026-05-01T12:00:00+00:00",
        not_after=ends,
        key="EC secp256r1",
        signature="ECDSA sha256",
        sha256=f"{number:064x}",
        spki=f"{number + 100:064x}",
        self_signed=False,
        issuers=("CN=Test CA",),
    )


@pytest.fixture
def certificates() -> tuple[CertificateSummary, ...]:
    """One that is served and in a file, one that is only named, one that is over."""
    return (
        _certificate("a.example", 1, "2026-07-31T12:00:00+00:00"),
        _certificate("b.example", 2, "2026-12-31T12:00:00+00:00"),
        _certificate("c.example", 3, "2026-05-30T12:00:00+00:00"),
    )


@pytest.fixture
def endpoint(certificates: tuple[CertificateSummary, ...]) -> EndpointSummary:
    """A server that speaks TLS 1.2 and 1.3, of TLS 1.1 it is not known."""
    return EndpointSummary(
        place="tls://127.0.0.1:443/a.example",
        host="127.0.0.1",
        port=443,
        server_name="a.example",
        starttls="",
        owner=OWNER,
        files=("/etc/nginx/nginx.conf:3",),
        protocols={"TLS 1.0": False, "TLS 1.1": None, "TLS 1.2": True, "TLS 1.3": True},
        suites=(
            SuiteSummary("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
            SuiteSummary("TLS 1.3", "TLS_AES_256_GCM_SHA384"),
        ),
        complete=True,
        groups=("x25519",),
        certificates=(certificates[0],),
        alpn=("h2",),
        http=True,
        hsts="max-age=1",
        grade="A",
        grade_reasons=(),
        seconds=0.25,
        connections=31,
    )


@pytest.fixture
def mail(
    endpoint: EndpointSummary, certificates: tuple[CertificateSummary, ...]
) -> EndpointSummary:
    """A mail server that speaks SSL 2 too, of which no suite was seen."""
    return msgspec.structs.replace(
        endpoint,
        place="smtp+tls://127.0.0.1:25",
        port=25,
        server_name="",
        starttls="smtp",
        owner=Owner("postfix"),
        protocols={"SSL 2": True, "TLS 1.2": True},
        suites=endpoint.suites[:1],
        complete=False,
        certificates=(certificates[2],),
        alpn=(),
        http=False,
        grade="F",
    )


@pytest.fixture
def tls_report(endpoint: EndpointSummary, mail: EndpointSummary) -> Report:
    """What a look at both gave."""
    finding = Finding(
        check="cert-expired",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        location=Location(mail.place),
        message="the certificate is over",
        fix="Renew it.",
    )
    other = msgspec.structs.replace(finding, check="tls-sslv2", severity=Severity.HIGH)
    return Report(
        version="1.2.3",
        started=TAKEN,
        seconds=0.5,
        roots=(endpoint.place, mail.place),
        findings=(finding, other),
        endpoints=(endpoint, mail),
        inconclusive=(Inconclusive("tls://127.0.0.1:1", "no TLS seen", "connection refused"),),
    )


def _heard(port: int, spoken: Spoken | None, owner: Owner = OWNER) -> Heard:
    listener = Listener(
        address="0.0.0.0", port=port, family=4, inodes=(port,), uid=0, wildcard=True
    )
    return Heard(listener, owner, spoken)


@pytest.fixture
def gathered(tls_report: Report, certificates: tuple[CertificateSummary, ...]) -> Gathered:
    """A host with four listeners, three certificates, five keys, and files it did not show."""
    served, named, _ = certificates
    place = Setting("server", "", "/etc/nginx/nginx.conf", 9)
    setting = Setting("ssl_certificate", "/etc/ssl/b.pem", "/etc/nginx/nginx.conf", 10)
    closed = KeyFile("/srv/b.key", (1, 4), ACCESS, KeyFacts("", encrypted=True))
    return Gathered(
        host="web1",
        root="",
        below=("/etc",),
        report=tls_report,
        seconds=1.5,
        heard=(
            _heard(443, Spoken(Kind.TLS)),
            _heard(25, Spoken(Kind.STARTTLS, "smtp"), Owner("postfix")),
            _heard(22, Spoken(Kind.PLAIN, "ssh")),
            _heard(9, Spoken(Kind.SILENT)),
            _heard(80, None),
        ),
        held=(
            Held(served, "/etc/ssl/a.pem", "/etc/nginx/nginx.conf:3"),
            Held(named, "/etc/ssl/b.pem", "/etc/nginx/nginx.conf:10"),
        ),
        keys=(
            KeySeen(
                "/etc/ssl/a.key", served.spki, (1, 1), "PRIVATE KEY", "EC secp256r1", access=ACCESS
            ),
            KeySeen("/etc/copy/a.key", served.spki, (1, 2), "EC PRIVATE KEY", "EC secp256r1"),
            KeySeen(HOSTILE, "", (1, 3), "ENCRYPTED PRIVATE KEY", encrypted=True),
            KeySeen("/etc/lone.key", "f" * 64, (1, 5), "RSA PRIVATE KEY", "RSA 2048"),
        ),
        uses=(Use(place, setting, named.sha256, named.spki, closed),),
        missing=(("/etc/ssl/gone.pem", "/etc/nginx/nginx.conf:12"),),
        unseen=(Inconclusive("/etc/secret", "permission denied"),),
    )
