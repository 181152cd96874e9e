"""Say which remedy mends a fault, by its check; the values are those that RFC 9325 recommends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.tls import remedies
from checks.tls.numbers import POST_QUANTUM
from checks.tls.remedies import Kind, Remedy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Fault

_CIPHERS: Final = Remedy(Kind.CIPHERS, suites=remedies.CIPHERS)
_PROTOCOLS: Final = Remedy(Kind.PROTOCOLS, remedies.MODERN)
_HSTS: Final = Remedy(Kind.HSTS, seconds=remedies.TWO_YEARS)
_QUANTUM: Final = Remedy(Kind.GROUPS, groups=(remedies.HYBRID, *remedies.CURVES))
_RELOAD: Final = Remedy(Kind.RELOAD)
_CHAIN: Final = Remedy(Kind.CHAIN)
_BY_CHECK: Final[Mapping[str, Remedy]] = {
    "cert-chain-incomplete": _CHAIN,
    "cert-chain-order": _CHAIN,
    "cert-expired": _RELOAD,
    "cert-expiring": _RELOAD,
    "cert-must-staple-missing": Remedy(Kind.STAPLE),
    "config-legacy-protocol": _PROTOCOLS,
    "config-pq-disabled": _QUANTUM,
    "drift-certificate-not-loaded": _RELOAD,
    "drift-config-not-loaded": _RELOAD,
    "http-hsts-missing": _HSTS,
    "http-hsts-short": _HSTS,
    "http-plain-no-redirect": Remedy(Kind.REDIRECT),
    "tls-1.0": _PROTOCOLS,
    "tls-1.1": _PROTOCOLS,
    "tls-1.3-missing": _PROTOCOLS,
    "tls-cipher-64bit-block": _CIPHERS,
    "tls-cipher-anonymous": _CIPHERS,
    "tls-cipher-cbc": _CIPHERS,
    "tls-cipher-export": _CIPHERS,
    "tls-cipher-null": _CIPHERS,
    "tls-cipher-rc4": _CIPHERS,
    "tls-compression": Remedy(Kind.COMPRESSION),
    "tls-dh-common-prime": _CIPHERS,
    "tls-dh-composite": _CIPHERS,
    "tls-dh-weak": _CIPHERS,
    "tls-early-data": Remedy(Kind.EARLY_DATA),
    "tls-fallback-scsv-missing": _PROTOCOLS,
    "tls-no-forward-secrecy": _CIPHERS,
    "tls-pq-missing": _QUANTUM,
    "tls-pq-only": _QUANTUM,
    "tls-renegotiation-client": Remedy(Kind.RENEGOTIATION),
    "tls-renegotiation-insecure": Remedy(Kind.BOUND_RENEGOTIATION),
    "tls-server-preference": Remedy(Kind.SERVER_ORDER),
    "tls-sslv2": _PROTOCOLS,
    "tls-sslv3": _PROTOCOLS,
    "vuln-robot": _CIPHERS,
}
"""What else is found is mended by another certificate, another key or another library."""


def remedy(fault: Fault, facts: EndpointFacts | None = None) -> Remedy | None:
    """Give what mends a fault, None where no setting does. facts: what was seen."""
    if fault.check == "tls-group-weak":
        return _groups(facts)
    return fault.remedy or _BY_CHECK.get(fault.check)


def usual(kind: Kind) -> Remedy | None:
    """Give the remedy of a kind with the recommended values, where it has any."""
    if kind is Kind.GROUPS:
        return _groups(None)
    return next((one for one in _BY_CHECK.values() if one.kind is kind), None)


def _groups(facts: EndpointFacts | None) -> Remedy:
    """Keep the post-quantum groups that the server has shown: its library knows them."""
    seen = facts.groups if facts else ()
    kept = tuple(group for group in seen if group in POST_QUANTUM)
    return Remedy(Kind.GROUPS, groups=(*kept, *remedies.CURVES))
