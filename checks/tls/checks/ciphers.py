"""Faults of cipher suites: what each one accepted is too weak for, told under its worst."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls import suites
from checks.tls.faults import Fault
from checks.tls.wording import suite_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checks.tls.facts import Accepted, EndpointFacts
    from checks.tls.faults import Context
    from checks.tls.suites import Suite

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"

CHECKS: Final[dict[str, CheckText]] = {
    "tls-cipher-null": CheckText(
        "Suites that encrypt nothing",
        Severity.CRITICAL,
        "suites without encryption are accepted",
        "Take NULL suites off the cipher list (OpenSSL: append :!eNULL).",
        "Everything is sent in clear text.",
        (f"{_RFC}9325#section-4.1",),
    ),
    "tls-cipher-anonymous": CheckText(
        "Suites without a certificate",
        Severity.CRITICAL,
        "anonymous suites are accepted",
        "Take anonymous suites off the cipher list (OpenSSL: append :!aNULL).",
        "The server proves nothing, so that anybody between can pose as it.",
        (f"{_RFC}9325#section-4.1",),
    ),
    "tls-cipher-export": CheckText(
        "Export suites",
        Severity.CRITICAL,
        "export suites are accepted",
        "Take export suites off the cipher list (OpenSSL: append :!EXPORT) and update the library.",
        "Keys of 40 or 56 bits are found in hours, and FREAK and Logjam force clients to them.",
        ("https://nvd.nist.gov/vuln/detail/CVE-2015-0204", f"{_RFC}9325#section-4.1"),
    ),
    "tls-cipher-rc4": CheckText(
        "RC4",
        Severity.HIGH,
        "RC4 is accepted",
        "Take RC4 off the cipher list (OpenSSL: append :!RC4).",
        "The biases of RC4 give away cookies and passwords that are sent again and again.",
        (f"{_RFC}7465", "https://nvd.nist.gov/vuln/detail/CVE-2013-2566"),
    ),
    "tls-cipher-64bit-block": CheckText(
        "Ciphers with blocks of 64 bits",
        Severity.MEDIUM,
        "ciphers with blocks of 64 bits are accepted",
        "Take 3DES, DES and IDEA off the cipher list (OpenSSL: append :!3DES:!DES:!IDEA).",
        "Blocks repeat within some gigabytes and give away what was encrypted (Sweet32).",
        ("https://nvd.nist.gov/vuln/detail/CVE-2016-2183",),
    ),
    "tls-cipher-cbc": CheckText(
        "Suites in CBC mode",
        Severity.LOW,
        "suites in CBC mode are accepted",
        "Offer AES-GCM and ChaCha20-Poly1305 only, unless old clients need CBC.",
        "MAC-then-encrypt was broken by timing again and again (Lucky 13, Zombie POODLE).",
        ("https://nvd.nist.gov/vuln/detail/CVE-2013-0169", f"{_RFC}9325#section-4.2"),
    ),
    "tls-no-forward-secrecy": CheckText(
        "Suites without forward secrecy",
        Severity.MEDIUM,
        "suites without forward secrecy are accepted",
        "Offer suites that begin with ECDHE only (OpenSSL: append :!kRSA:!kPSK).",
        "Whoever gets the server's key later can read all that was recorded before.",
        (f"{_RFC}9325#section-4.1",),
    ),
    "tls-server-preference": CheckText(
        "The client's order of suites counts",
        Severity.INFO,
        "the client's order counts and weak suites are among them",
        "Take the weak suites off the list, or let the server's order count.",
        "A client that lists a weak suite first gets it.",
        (f"{_RFC}9325#section-4.2.1",),
    ),
}

_CLASSES: Final[dict[str, tuple[str, Callable[[Suite], bool]]]] = {
    "tls-cipher-null": ("encrypts nothing with", lambda s: s.bits == 0),
    "tls-cipher-anonymous": ("proves nothing with", lambda s: s.is_anonymous),
    "tls-cipher-export": ("accepts export suites", lambda s: s.is_export),
    "tls-cipher-rc4": ("accepts", lambda s: s.cipher.startswith("RC4")),
    "tls-cipher-64bit-block": ("accepts", lambda s: s.has_small_blocks),
    "tls-cipher-cbc": ("accepts", lambda s: s.is_cbc),
}
"""Worst first: a suite is told under every one of the worst, or else under the first, that fits."""
_SMALL_BLOCKS: Final = "tls-cipher-64bit-block"
_WORST: Final = frozenset({"tls-cipher-null", "tls-cipher-anonymous", "tls-cipher-export"})
_EPHEMERAL: Final = frozenset({"SRP", "ECCPWD"})
"""Key exchanges by password that are forward secret (RFC 5054 2.1, RFC 8492)."""


def judge(facts: EndpointFacts, _context: Context) -> Iterator[Fault]:
    """Find the faults of the suites that an endpoint accepts; unregistered ones are not judged."""
    told = {one: _told(suites.of(one.suite)) for one in facts.suites if one.suite in suites.known()}
    for check, (verb, _) in _CLASSES.items():
        if members := [one for one, found in told.items() if check in found]:
            worse = _severity(members) if check == _SMALL_BLOCKS else None
            yield Fault(check, f"{verb} {suite_names(members)}", "", worse)
    lacking = [o for o, found in told.items() if _WORST.isdisjoint(found) and _lacks(o)]
    if lacking:
        message = f"whoever gets the key later reads what was sent by {suite_names(lacking)}"
        yield Fault("tls-no-forward-secrecy", message, "")
    if facts.server_order is False and (weak := [o for o, f in told.items() if f or _lacks(o)]):
        message = f"goes by the client's order, even to {suite_names(weak)}"
        yield Fault("tls-server-preference", message, "")


def _told(suite: Suite) -> list[str]:
    found = [check for check, (_, fits) in _CLASSES.items() if fits(suite)]
    return [check for check in found if check in _WORST] or found[:1]


def _lacks(accepted: Accepted) -> bool:
    suite = suites.of(accepted.suite)
    return not suite.has_forward_secrecy and suite.exchange not in _EPHEMERAL


def _severity(accepted: list[Accepted]) -> Severity | None:
    """Raise it for DES, whose key of 56 bits is found in hours, whatever its blocks."""
    found = [suites.of(one.suite) for one in accepted]
    return Severity.HIGH if any(s.has_small_blocks and 0 < s.bits < 112 for s in found) else None
