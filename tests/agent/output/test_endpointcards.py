"""The picture of an endpoint: what it speaks, how long its certificate lasts, all escaped."""

from __future__ import annotations

import re

import msgspec
import pytest

from agent.output import endpointcards
from agent.report import Report
from checks.tls.summary import CertificateSummary, EndpointSummary, Owner, SuiteSummary

STARTED = "2026-11-22T00:00:00+00:00"
CERTIFICATE = CertificateSummary(
    subject="CN=www.example.org",
    issuer="CN=Test CA",
    names=("www.example.org",),
    not_before="2026-11-12T00:00:00+00:00",
    not_after="2026-12-22T00:00:00+00:00",
    key="EC secp256r1",
    signature="ECDSA sha256",
    sha256="ab" * 32,
    spki="cd" * 32,
    self_signed=False,
)
ENDPOINT = EndpointSummary(
    place="tls://127.0.0.1:443/www.example.org",
    host="127.0.0.1",
    port=443,
    server_name="www.example.org",
    starttls="",
    owner=Owner("nginx", "nginx.service", "/usr/sbin/nginx", "root"),
    files=("/etc/nginx/sites-enabled/www:3",),
    protocols={"TLS 1.0": True, "TLS 1.1": None, "TLS 1.2": True, "SSL 3": False},
    suites=(SuiteSummary("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),),
    complete=False,
    groups=("x25519",),
    certificates=(CERTIFICATE,),
    alpn=("h2",),
    hsts="max-age=1",
    grade="B",
    grade_reasons=("tls-1.0 (B at best)",),
    seconds=0.05,
    connections=31,
)


def drawn(*endpoints: EndpointSummary) -> str:
    return "".join(
        endpointcards.cards(
            Report(version="1", started=STARTED, seconds=1.0, roots=(), endpoints=endpoints)
        )
    )


def test_every_protocol_stands_with_what_is_known() -> None:
    """Spoken, obsolete, not spoken and not settled look different."""
    found = dict(re.findall(r'<li class="([a-z ]+)"[^>]*>([^<]+)<', drawn(ENDPOINT)))
    assert found == {
        "on critical": "TLS 1.0",
        "unsettled": "TLS 1.1",
        "on good": "TLS 1.2",
        "off": "SSL 3",
    }


@pytest.mark.parametrize(
    ("ends", "style", "told"),
    [
        ("2026-12-22T00:00:00+00:00", "good", "30 of 40 days left"),
        ("2026-11-24T00:00:00+00:00", "medium", "2 of 12 days left"),
        ("2026-11-23T00:00:00+00:00", "critical", "1 of 11 days left"),
        ("2026-11-21T00:00:00+00:00", "critical", "expired"),
    ],
)
def test_the_life_of_a_certificate_is_a_share(ends: str, style: str, told: str) -> None:
    """The bar's colour goes by the share that is left, and the days stand beside it."""
    one = msgspec.structs.replace(CERTIFICATE, not_after=ends)
    page = drawn(msgspec.structs.replace(ENDPOINT, certificates=(one,)))
    assert f'<rect class="{style}"' in page
    assert f"<b>{told}</b>" in page


def test_whose_it_is_and_where_it_is_set_up_is_told() -> None:
    """Server, unit and the configuration's line stand in the card, the grade with its reason."""
    page = drawn(ENDPOINT)
    assert "nginx · nginx.service · root" in page
    assert "/etc/nginx/sites-enabled/www:3" in page
    assert '<b class="grade medium" title="tls-1.0 (B at best)">B</b>' in page


def test_what_a_server_says_is_text() -> None:
    """A hostile header, name or subject cannot become markup."""
    evil = '"><script>x</script>'
    one = msgspec.structs.replace(CERTIFICATE, names=(evil,), issuer=evil, sha256=evil)
    page = drawn(
        msgspec.structs.replace(ENDPOINT, hsts=evil, place=evil, files=(evil,), certificates=(one,))
    )
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_a_report_without_endpoints_has_no_cards() -> None:
    """A scan of files has nothing to draw."""
    assert drawn() == ""
