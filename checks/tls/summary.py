"""An endpoint as reports and inventories show it: facts in words, a frozen value of plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from checks.tls import chain, grade, suites
from checks.tls.wording import group_name

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from checks.tls.certificate import Certificate
    from checks.tls.facts import EndpointFacts


class CertificateSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate, served or in a file.

    not_before, not_after: ISO 8601 in UTC; sha256: of its DER; spki: SHA-256 of its public key,
    which joins it with private keys, both in hex; issuers: the subjects of what was sent after it.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    key: str
    signature: str
    sha256: str
    spki: str
    self_signed: bool
    issuers: tuple[str, ...] = ()


class SuiteSummary(msgspec.Struct, frozen=True):
    """A suite that a version was agreed with; name: IANA's."""

    version: str
    name: str


class Owner(msgspec.Struct, frozen=True):
    """Whose socket it is, each "" where it is not known; software: as in `checks/tls/servers`."""

    software: str = ""
    unit: str = ""
    executable: str = ""
    user: str = ""


class EndpointSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint.

    place: as findings name it; protocols: by label, null for one that was not settled; complete:
    there are no other suites; files: "path:line" of the sites that answer here; http: it speaks
    that; hsts: None without the header; grade: "" where there is none.
    """

    place: str
    host: str
    port: int
    server_name: str
    starttls: str
    owner: Owner
    files: tuple[str, ...]
    protocols: dict[str, bool | None]
    suites: tuple[SuiteSummary, ...]
    complete: bool
    groups: tuple[str, ...]
    certificates: tuple[CertificateSummary, ...]
    alpn: tuple[str, ...]
    http: bool = False
    hsts: str | None
    grade: str
    grade_reasons: tuple[str, ...]
    seconds: float
    connections: int


def of(
    facts: EndpointFacts, failed: Collection[str], owner: Owner, files: tuple[str, ...] = ()
) -> EndpointSummary:
    """Put an endpoint into words. failed: the ids of the checks it fails, for the grade."""
    target, sent = facts.target, [chain.read(one) for one in facts.chains]
    leaves = [one.leaf for one in sent if one.leaf is not None]
    graded = grade.grade(facts, leaves, failed)
    return EndpointSummary(
        place=target.uri,
        host=target.host,
        port=target.port,
        server_name=target.server_name,
        starttls=target.starttls,
        owner=owner,
        files=files,
        protocols={v.label: facts.versions[v] for v in sorted(facts.versions)},
        suites=tuple(
            SuiteSummary(one.version.label, suites.of(one.suite).name) for one in facts.suites
        ),
        complete=facts.complete,
        groups=tuple(group_name(one) for one in dict.fromkeys((*facts.groups, *facts.curves))),
        certificates=tuple(
            certificate(one.leaf, one.certificates[1:]) for one in sent if one.leaf is not None
        ),
        alpn=facts.alpn,
        http=facts.http is not None,
        hsts=facts.http.hsts if facts.http else None,
        grade=graded.letter if graded else "",
        grade_reasons=graded.reasons if graded else (),
        seconds=round(facts.seconds, 4),
        connections=facts.connections,
    )


def certificate(leaf: Certificate, sent: Sequence[Certificate] = ()) -> CertificateSummary:
    """Put a certificate into words. sent: what came after it."""
    names, addresses = leaf.extensions.names, leaf.extensions.addresses
    return CertificateSummary(
        subject=leaf.subject,
        issuer=leaf.issuer,
        names=(*names, *map(str, addresses)),
        not_before=leaf.not_before.isoformat(),
        not_after=leaf.not_after.isoformat(),
        key=leaf.key.label,
        signature=" ".join(filter(None, (leaf.signature.name, leaf.signature.digest))),
        sha256=leaf.sha256,
        spki=leaf.key.spki,
        self_signed=leaf.self_signed,
        issuers=tuple(one.subject for one in sent),
    )
