"""Faults of versions and of the handshake: old protocols, downgrades, compression, replays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"
_MODERN_ONLY: Final = "Offer TLS 1.2 and 1.3 only; a client that cannot is too old to be trusted."

CHECKS: Final[dict[str, CheckText]] = {
    "tls-sslv2": CheckText(
        "SSL 2",
        Severity.CRITICAL,
        "SSL 2 is spoken",
        "Switch SSL 2 off, and off everywhere else this server's key is used.",
        "SSL 2 is open to anybody, and through DROWN it breaks TLS under the same RSA key.",
        (f"{_RFC}6176", "https://nvd.nist.gov/vuln/detail/CVE-2016-0800"),
    ),
    "tls-sslv3": CheckText(
        "SSL 3",
        Severity.HIGH,
        "SSL 3 is spoken",
        _MODERN_ONLY,
        "Whoever sits between can move browsers to SSL 3 and read cookies byte by byte (POODLE).",
        (f"{_RFC}7568", "https://nvd.nist.gov/vuln/detail/CVE-2014-3566"),
    ),
    "tls-1.0": CheckText(
        "TLS 1.0",
        Severity.HIGH,
        "TLS 1.0 is spoken",
        _MODERN_ONLY,
        "TLS 1.0 rests on SHA-1, MD5 and predictable CBC vectors; standards forbid it since 2021.",
        (f"{_RFC}8996",),
    ),
    "tls-1.1": CheckText(
        "TLS 1.1",
        Severity.HIGH,
        "TLS 1.1 is spoken",
        _MODERN_ONLY,
        "TLS 1.1 rests on SHA-1 and MD5 and has CBC suites only; standards forbid it since 2021.",
        (f"{_RFC}8996",),
    ),
    "tls-1.3-missing": CheckText(
        "No TLS 1.3",
        Severity.INFO,
        "TLS 1.3 is not spoken",
        "Switch TLS 1.3 on beside 1.2; it needs OpenSSL 1.1.1, GnuTLS 3.6.5 or newer.",
        "TLS 1.3 is faster, hides the certificate, and alone has post-quantum key agreement.",
        (f"{_RFC}8446", f"{_RFC}9325"),
    ),
    "tls-compression": CheckText(
        "TLS compression",
        Severity.HIGH,
        "TLS compression is on",
        "Switch TLS compression off in the server or its library.",
        "The length of compressed records gives away cookies and tokens (CRIME).",
        ("https://nvd.nist.gov/vuln/detail/CVE-2012-4929", f"{_RFC}9325#section-3.3"),
    ),
    "tls-renegotiation-insecure": CheckText(
        "Renegotiation that is not bound to its connection",
        Severity.HIGH,
        "secure renegotiation (RFC 5746) is missing",
        "Update the TLS library, and switch legacy or unsafe renegotiation off.",
        "Somebody between can put a request of their own in front of a client's, in its name.",
        (f"{_RFC}5746", "https://nvd.nist.gov/vuln/detail/CVE-2009-3555"),
    ),
    "tls-renegotiation-client": CheckText(
        "Renegotiation whenever a client asks",
        Severity.MEDIUM,
        "clients may renegotiate",
        "Switch client-initiated renegotiation off (OpenSSL: no_renegotiation).",
        "One connection can make the server work through handshake after handshake.",
        ("https://nvd.nist.gov/vuln/detail/CVE-2011-1473", f"{_RFC}9325#section-3.5"),
    ),
    "tls-fallback-scsv-missing": CheckText(
        "No protection against fallback to older versions",
        Severity.LOW,
        "a forced fallback is not noticed (RFC 7507)",
        "Offer one version below TLS 1.3 only, or update the TLS library.",
        "Whoever breaks a few connections can move clients that retry to the oldest version.",
        (f"{_RFC}7507",),
    ),
    "tls-extended-master-secret-missing": CheckText(
        "No extended master secret",
        Severity.LOW,
        "the extended master secret (RFC 7627) is missing",
        "Update the TLS library (OpenSSL 1.1.0, GnuTLS 3.4 or newer have it), or offer 1.3 only.",
        "Without it two connections can be given the same secret, and one passed off as the other.",
        (f"{_RFC}7627", f"{_RFC}9325#section-3.6"),
    ),
    "tls-early-data": CheckText(
        "Early data",
        Severity.MEDIUM,
        "early data is accepted",
        "Switch early data (0-RTT) off, unless the application refuses replayed requests itself.",
        "Whoever recorded a request sent as early data can send it again.",
        (f"{_RFC}8446#section-8", f"{_RFC}8470"),
    ),
}

_OLD: Final = {
    Version.SSL2: "tls-sslv2",
    Version.SSL3: "tls-sslv3",
    Version.TLS10: "tls-1.0",
    Version.TLS11: "tls-1.1",
}


def judge(facts: EndpointFacts, _context: Context) -> Iterator[Fault]:
    """Find the faults of an endpoint's versions and handshake; what is None is never one."""
    yield from _versions(facts)
    yield from _features(facts)
    yield from _missing(facts)


def _versions(facts: EndpointFacts) -> Iterator[Fault]:
    for version, check in _OLD.items():
        if facts.versions.get(version):
            yield Fault(check, f"speaks {version.label}", version.label)
    if facts.classic and facts.versions.get(Version.TLS13) is False:
        yield Fault("tls-1.3-missing", f"speaks {facts.classic[-1].label} at best", "TLS 1.3")


def _features(facts: EndpointFacts) -> Iterator[Fault]:
    if facts.compression:
        yield Fault("tls-compression", "compresses what it encrypts (DEFLATE)", "compression")
    if facts.client_renegotiation:
        message = "begins a new handshake whenever a client asks"
        yield Fault("tls-renegotiation-client", message, "renegotiation")
    if facts.early_data:
        message = f"takes up to {facts.early_data} bytes of early data, which can be replayed"
        yield Fault("tls-early-data", message, "early data")


def _missing(facts: EndpointFacts) -> Iterator[Fault]:
    """Find protections that are missing; those of handshakes since SSL 3 and below TLS 1.3."""
    spoken = [version for version in facts.classic if version >= Version.SSL3]
    if not spoken:
        return
    if facts.secure_renegotiation is False:
        message = "does not bind renegotiation to the connection (RFC 5746)"
        yield Fault("tls-renegotiation-insecure", message, "RFC 5746")
    if facts.fallback_scsv is False and len(spoken) > 1:
        message = f"accepts a forced fallback to {spoken[0].label} (no RFC 7507)"
        yield Fault("tls-fallback-scsv-missing", message, "RFC 7507")
    if facts.extended_master_secret is False and spoken[-1] >= Version.TLS10:
        message = f"has no extended master secret in {spoken[-1].label} (RFC 7627)"
        yield Fault("tls-extended-master-secret-missing", message, "RFC 7627")
