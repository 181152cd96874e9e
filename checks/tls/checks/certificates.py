"""Faults of a server's own certificate: its dates, its names, its status, its life and its use."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.printable import printable
from checks.secrets.advice import CheckText
from checks.tls import chain, hostnames, stapled
from checks.tls.faults import Fault, distinct
from checks.tls.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.tls.certificate import Certificate
    from checks.tls.chain import Path
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context
    from checks.tls.stapled import Told

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"
_BASELINE: Final = "https://cabforum.org/working-groups/server/baseline-requirements/requirements/"
_RENEW: Final = "Renew the certificate, reload the server, and have renewal done by a program."

CHECKS: Final[dict[str, CheckText]] = {
    "cert-expired": CheckText(
        "Expired certificate",
        Severity.CRITICAL,
        "the certificate has expired",
        _RENEW,
        "Clients refuse the connection, and people learn to click warnings away.",
        (f"{_RFC}5280#section-4.1.2.5",),
    ),
    "cert-not-yet-valid": CheckText(
        "Certificate that is not valid yet",
        Severity.HIGH,
        "the certificate is not valid yet",
        "Put the previous certificate back until this one is valid, and check the clocks.",
        "Clients refuse the connection until that date.",
        (f"{_RFC}5280#section-4.1.2.5",),
    ),
    "cert-expiring": CheckText(
        "Certificate near its end",
        Severity.MEDIUM,
        "the certificate is near its end",
        _RENEW,
        "What renews by itself has renewed by now: with a third of its life left something has"
        " stopped, and there is still time to see to it.",
        ("https://letsencrypt.org/docs/integration-guide/",),
    ),
    "cert-name-mismatch": CheckText(
        "Certificate for other names",
        Severity.HIGH,
        "the certificate is not for this name",
        "Have it reissued with every name clients use, or give this host the one that has it.",
        "Clients refuse the connection, or were told not to look at names at all.",
        (f"{_RFC}9525#section-6",),
    ),
    "cert-no-san": CheckText(
        "Certificate without a subject alternative name",
        Severity.MEDIUM,
        "the certificate has no subject alternative name",
        "Have it reissued with its names in the subjectAltName extension.",
        "Clients of today do not look at the common name, so it fits no name at all.",
        (f"{_RFC}9525#section-2", f"{_RFC}2818#section-3.1"),
    ),
    "cert-lifetime": CheckText(
        "Certificate that a public authority made to last too long",
        Severity.MEDIUM,
        "the certificate lasts longer than browsers accept",
        "Have it reissued for at most the life that is allowed today.",
        "Browsers refuse certificates of public authorities that last longer than was allowed when"
        " they were issued.",
        (f"{_BASELINE}#632-certificate-operational-periods-and-key-pair-usage-periods",),
    ),
    "cert-must-staple-missing": CheckText(
        "No OCSP answer beside a certificate that demands it",
        Severity.HIGH,
        "the certificate demands a stapled OCSP answer, and none is sent",
        "Switch OCSP stapling on and let the server reach the responder, or have the certificate"
        " reissued without must-staple.",
        "Clients that heed must-staple refuse the connection.",
        (f"{_RFC}7633",),
    ),
    "cert-revoked": CheckText(
        "Certificate that its authority has revoked",
        Severity.CRITICAL,
        "the OCSP answer that the server sends along says that the certificate was revoked",
        "Have it reissued with a new key, load it, and find out why it was revoked.",
        "Clients that look refuse the connection; its key may be in other hands.",
        (f"{_RFC}6960#section-2.2",),
    ),
    "cert-ca-as-leaf": CheckText(
        "Authority's certificate on a server",
        Severity.MEDIUM,
        "the server's certificate is that of a certification authority",
        "Issue the server a certificate of its own, with CA:FALSE, and keep the authority's key"
        " off servers.",
        "With this server's key one can issue certificates for any name to whoever trusts it.",
        (f"{_RFC}5280#section-4.2.1.9",),
    ),
}

_NEARLY: Final = 0.1
"""Under this share of its life a certificate is expiring with severity high."""
_LONGEST_LIVES: Final = (
    (datetime.datetime(2029, 3, 15, tzinfo=datetime.UTC), 47),
    (datetime.datetime(2027, 3, 15, tzinfo=datetime.UTC), 100),
    (datetime.datetime(2026, 3, 15, tzinfo=datetime.UTC), 200),
    (datetime.datetime(2020, 9, 1, tzinfo=datetime.UTC), 398),
)
"""Days by first day of validity, newest first (Baseline Requirements 6.3.2)."""
_DAY: Final = datetime.timedelta(days=1)


def judge(facts: EndpointFacts, context: Context) -> Iterator[Fault]:
    """Judge the certificate of every chain that the endpoint showed."""
    staples: dict[bytes, list[bytes]] = {}
    for one in facts.chains:
        if one.staple and one.certificates:
            staples.setdefault(one.certificates[0], []).append(one.staple)
    wanted = facts.target.server_name
    paths = chain.paths(facts.chains, context)
    yield from distinct(
        fault
        for path in paths
        for fault in _judged(path, context, wanted, staples.get(path.leaf.der, ()))
    )


def _judged(path: Path, context: Context, wanted: str, staples: Sequence[bytes]) -> Iterator[Fault]:
    leaf = path.leaf
    yield from _dates(leaf, context)
    yield from _names(leaf, wanted)
    if path.leads_to(context.public):
        yield from _life(leaf)
    yield from _status(leaf, [stapled.read(one, leaf, context.now) for one in staples])
    if leaf.extensions.is_ca:
        said = f"{leaf.label} is that of a certification authority"
        yield Fault("cert-ca-as-leaf", said, leaf.sha256)


def _dates(leaf: Certificate, context: Context) -> Iterator[Fault]:
    left = leaf.not_after - context.now
    if left < datetime.timedelta(0):
        said = f"{leaf.label} expired on {leaf.not_after:%Y-%m-%d %H:%M} UTC"
        yield Fault("cert-expired", said, leaf.sha256)
    elif context.now < leaf.not_before:
        said = f"{leaf.label} is not valid before {leaf.not_before:%Y-%m-%d %H:%M} UTC"
        yield Fault("cert-not-yet-valid", said, leaf.sha256)
    elif left < leaf.lifetime * context.expiring:
        days = f"{left // _DAY} of its {leaf.lifetime // _DAY} days"
        said = f"{leaf.label} expires on {leaf.not_after:%Y-%m-%d}: {days} are left"
        severity = Severity.HIGH if left < leaf.lifetime * _NEARLY else None
        yield Fault("cert-expiring", said, leaf.sha256, severity)


def _status(leaf: Certificate, told: Sequence[Told]) -> Iterator[Fault]:
    """Judge the OCSP answers that came with a certificate: of several looks one good one counts."""
    if since := next((one.revoked for one in told if one.revoked), None):
        said = f"{leaf.label} was revoked on {since:%Y-%m-%d %H:%M} UTC, its own server says"
        yield Fault("cert-revoked", said, leaf.sha256)
    elif leaf.extensions.must_staple and all(one.doubt for one in told):
        why = told[0].doubt if told else "none was sent"
        said = f"{leaf.label} demands a stapled OCSP answer, and {why}"
        yield Fault("cert-must-staple-missing", said, leaf.sha256)


def _names(leaf: Certificate, wanted: str) -> Iterator[Fault]:
    found = leaf.extensions
    if not found.names_whole:  # what could not be read may be the name
        return
    if not leaf.has_names:
        said = f"{leaf.label} has no subject alternative name"
        yield Fault("cert-no-san", said, leaf.sha256)
        # Once it is reissued with that name it fits, and this says so already.
        if hostnames.matches(wanted, (leaf.common_name.lower(),), (leaf.common_name,)):
            return
    if wanted and not hostnames.matches(wanted, found.names, found.addresses):
        has = listed(printable(name, longest=80) for name in (*found.names, *found.addresses)[:99])
        said = f"{leaf.label} is for {has or 'no name'}, not for {printable(wanted, longest=253)}"
        yield Fault("cert-name-mismatch", said, leaf.sha256)


def _life(leaf: Certificate) -> Iterator[Fault]:
    most = next((days for since, days in _LONGEST_LIVES if leaf.not_before >= since), None)
    # To the second a day more would be allowed by no one and is refused by none.
    if most is not None and leaf.lifetime > most * _DAY:
        days = leaf.lifetime // _DAY
        said = f"{leaf.label} lasts {days} days; issued then it may last {most}"
        yield Fault("cert-lifetime", said, leaf.sha256)
