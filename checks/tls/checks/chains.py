"""Faults of what a server sends with its certificate, and of the root that this leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls import chain
from checks.tls.faults import Fault, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.certificate import Certificate
    from checks.tls.chain import Path
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"

CHECKS: Final[dict[str, CheckText]] = {
    "cert-self-signed": CheckText(
        "Self-signed certificate",
        Severity.MEDIUM,
        "the certificate is signed by its own key",
        "Have an authority that the clients trust issue it, be it a private one.",
        "Clients can tell it from an impostor's only where somebody compares fingerprints.",
        (f"{_RFC}5280#section-6",),
    ),
    "cert-untrusted": CheckText(
        "Certificate of an authority that this host does not trust",
        Severity.HIGH,
        "the chain leads to no root that this host trusts",
        "If the authority is yours, add its root to the host's store. If one more intermediate"
        " belongs between, send it behind the others. Else have another authority issue the"
        " certificate.",
        "Clients refuse the connection, or were told to trust anybody.",
        (f"{_RFC}5280#section-6.1",),
    ),
    "cert-chain-incomplete": CheckText(
        "Chain without its intermediate certificate",
        Severity.HIGH,
        "the certificate's issuer was not sent",
        "Send the issuer's certificate behind the server's own (the \"full chain\" file). If the"
        " issuer is a root of your own, add it to the host's store.",
        "Clients that have not met the intermediate before refuse the connection; browsers may hide"
        " the fault, programs do not.",
        (f"{_RFC}8446#section-4.4.2", f"{_RFC}5246#section-7.4.2"),
    ),
    "cert-chain-order": CheckText(
        "Chain in the wrong order",
        Severity.LOW,
        "the chain is not sent in the order of its signatures",
        "Put the server's certificate first and behind each one that of its issuer.",
        "Clients of TLS 1.2 and before need not look for the order, and some do not.",
        (f"{_RFC}5246#section-7.4.2", f"{_RFC}8446#section-4.4.2"),
    ),
    "cert-chain-expired": CheckText(
        "Expired certificate in the chain",
        Severity.HIGH,
        "a certificate of the chain is not valid today",
        "Send the intermediate that its authority offers now, and update the host's roots.",
        "Clients refuse the connection though the server's own certificate is valid.",
        (f"{_RFC}5280#section-6.1.3",),
    ),
}


def judge(facts: EndpointFacts, context: Context) -> Iterator[Fault]:
    """Judge every chain that the endpoint showed."""
    paths = chain.paths(facts.chains, context)
    yield from distinct(fault for path in paths for fault in _judged(path, context))


def _judged(path: Path, context: Context) -> Iterator[Fault]:
    if not path.anchored:
        yield from _loose(path, roots_known=bool(context.trusted))
    if not path.ordered:
        said = f"the chain of the {path.leaf.label} is not sent in the order of its signatures"
        yield Fault("cert-chain-order", said, path.leaf.sha256)
    for one in path.certificates[1:]:
        if not one.is_valid(context.now):
            yield _outdated(path, one, context)


def _loose(path: Path, *, roots_known: bool) -> Iterator[Fault]:
    """Say why a chain reaches no root; where roots are not known or not all was read, nothing."""
    leaf, top = path.leaf, path.top
    if leaf.self_signed:
        yield Fault("cert-self-signed", f"{leaf.label} is signed by its own key", leaf.sha256)
    elif not roots_known or not path.settled:
        return
    elif top is leaf:
        issuer = leaf.issuer or "its issuer"
        why = "only others of that name" if path.impostor else "nor is that a root of this host"
        said = f"{leaf.label}: the certificate of {issuer} was not sent, {why}"
        yield Fault("cert-chain-incomplete", said, leaf.sha256)
    else:
        end = (
            f"{top.subject}, which" if top.self_signed else f"{top.issuer}, which was not sent and"
        )
        said = f"{leaf.label} leads to {end} is no root of this host"
        yield Fault("cert-untrusted", said, leaf.sha256)


def _outdated(path: Path, one: Certificate, context: Context) -> Fault:
    whose = "root of this host" if path.anchored and one is path.top else "certificate"
    if context.now < one.not_before:
        when = f"is not valid before {one.not_before:%Y-%m-%d %H:%M} UTC"
    else:
        when = f"expired on {one.not_after:%Y-%m-%d %H:%M} UTC"
    said = f"in the chain of the {path.leaf.label} the {whose} {one.subject} {when}"
    return Fault("cert-chain-expired", said, one.sha256)
