"""Faults of the server's TLS library that only an attempt shows: the deep tier makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context

CHECKS: Final[dict[str, CheckText]] = {
    "vuln-heartbleed": CheckText(
        "Server that gives away its memory (Heartbleed)",
        Severity.CRITICAL,
        "answers a heartbeat with bytes of its memory (CVE-2014-0160)",
        "Update the TLS library and restart the server; then replace its keys and certificates,"
        " and change what its users sent to it.",
        "Anybody can read 64 KB of the process's memory at a time, again and again: private keys,"
        " session keys, passwords.",
        (
            "https://nvd.nist.gov/vuln/detail/CVE-2014-0160",
            "https://www.rfc-editor.org/rfc/rfc6520#section-4",
        ),
    ),
    "vuln-robot": CheckText(
        "Server that tells whether a decrypted RSA message was well-formed (ROBOT)",
        Severity.HIGH,
        "answers well-formed and malformed RSA key exchanges differently (Bleichenbacher)",
        "Switch off the suites that begin with TLS_RSA_, and update the TLS library.",
        "Whoever recorded a connection can have the server decrypt its key in many small"
        " questions, and can sign in its name.",
        (
            "https://www.usenix.org/conference/usenixsecurity18/presentation/bock",
            "https://www.rfc-editor.org/rfc/rfc5246#section-7.4.7.1",
        ),
    ),
    "vuln-ccs": CheckText(
        "Server that takes a ChangeCipherSpec too early (CCS injection)",
        Severity.HIGH,
        "takes a ChangeCipherSpec before keys are agreed (CVE-2014-0224)",
        "Update OpenSSL to 1.0.1h, 1.0.0m, 0.9.8za or newer, and restart the server.",
        "Whoever sits between client and server can force weak keys, then read and change what"
        " both say.",
        ("https://nvd.nist.gov/vuln/detail/CVE-2014-0224",),
    ),
}


def judge(facts: EndpointFacts, _context: Context) -> Iterator[Fault]:
    """Find what an attempt showed; what was not tried is None, and no fault."""
    if facts.heartbleed:
        yield Fault("vuln-heartbleed", CHECKS["vuln-heartbleed"].message, "heartbleed")
    if facts.robot in {"strong", "weak"}:
        pace = "in hours" if facts.robot == "strong" else "slowly: the oracle is weak"
        message = f"{CHECKS['vuln-robot'].message}; it can be used {pace}"
        yield Fault("vuln-robot", message, "robot")
    if facts.early_ccs:
        yield Fault("vuln-ccs", CHECKS["vuln-ccs"].message, "ccs")
