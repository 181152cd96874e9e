"""Faults of key agreement: Diffie-Hellman parameters, curves, post-quantum groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets.advice import CheckText
from checks.tls import primes
from checks.tls.faults import Fault
from checks.tls.numbers import POST_QUANTUM, WEAK_CURVES, Version
from checks.tls.wording import group_name, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts, Prime
    from checks.tls.faults import Context

_RFC: Final = "https://www.rfc-editor.org/rfc/rfc"
_LOGJAM: Final = "https://nvd.nist.gov/vuln/detail/CVE-2015-4000"
_ECDHE: Final = "Offer ECDHE suites only, or take ffdhe2048 or ffdhe3072 (RFC 7919) as parameters."

CHECKS: Final[dict[str, CheckText]] = {
    "tls-dh-weak": CheckText(
        "Weak Diffie-Hellman parameters",
        Severity.HIGH,
        "Diffie-Hellman parameters are weak",
        _ECDHE,
        "Logarithms modulo a prime of 1024 bits are within a state's reach, of 768 a university's.",
        (_LOGJAM, f"{_RFC}9325#section-4.1"),
    ),
    "tls-dh-common-prime": CheckText(
        "Diffie-Hellman prime that many servers share",
        Severity.MEDIUM,
        "the Diffie-Hellman prime is a common one",
        _ECDHE,
        "Most of the work of breaking a prime is done once for everybody who uses it.",
        (_LOGJAM, f"{_RFC}7919"),
    ),
    "tls-dh-composite": CheckText(
        "Diffie-Hellman modulus that is no prime",
        Severity.CRITICAL,
        "the Diffie-Hellman modulus is no prime",
        f"Replace the parameters now, and find out where they came from. {_ECDHE}",
        "Whoever knows its factors reads along: such a number is a mistake or a back door.",
        ("https://eprint.iacr.org/2016/644",),
    ),
    "tls-group-weak": CheckText(
        "Weak curve",
        Severity.HIGH,
        "weak curves are accepted",
        "Offer X25519, P-256 and P-384 only.",
        "Curves under 250 bits are under the strength that is asked for today.",
        (f"{_RFC}8422#section-5.1.1",),
    ),
    "tls-pq-missing": CheckText(
        "No post-quantum key agreement",
        Severity.INFO,
        "no post-quantum group is accepted",
        "Put X25519MLKEM768 in front of the groups; it needs OpenSSL 3.5 or newer.",
        "What is recorded today can be read once quantum computers are large enough.",
        ("https://datatracker.ietf.org/doc/draft-ietf-tls-ecdhe-mlkem/",),
    ),
    "tls-pq-only": CheckText(
        "Post-quantum key agreement only",
        Severity.INFO,
        "only post-quantum groups are accepted",
        "If other clients have to get in, add X25519 behind the post-quantum groups.",
        "Clients without post-quantum groups cannot connect.",
        ("https://datatracker.ietf.org/doc/draft-ietf-tls-ecdhe-mlkem/",),
    ),
}

_SHORT: Final = 2048


def judge(facts: EndpointFacts, _context: Context) -> Iterator[Fault]:
    """Find the faults of the parameters and groups that an endpoint agrees on keys with."""
    for prime in dict.fromkeys(facts.primes):
        yield from _prime(prime)
    if weak := [g for g in dict.fromkeys((*facts.curves, *facts.groups)) if g in WEAK_CURVES]:
        yield Fault("tls-group-weak", f"accepts {listed(map(group_name, weak))}", "")
    yield from _quantum(facts)


def _prime(prime: Prime) -> Iterator[Fault]:
    fact, bits = primes.fingerprint(prime.prime), prime.bits
    if bits < _SHORT:
        yield Fault("tls-dh-weak", f"agrees on keys by DHE modulo {bits} bits", fact)
    elif prime.generator % prime.prime in {0, 1, prime.prime - 1}:
        yield Fault(
            "tls-dh-weak", "agrees on keys by DHE with a generator that gives the key away", fact
        )
    if primes.is_composite(prime.prime):
        message = f"agrees on keys by DHE modulo {bits} bits that are no prime"
        yield Fault("tls-dh-composite", message, fact)
    known = primes.known().get(prime.prime)
    if known is not None and known.worth != "fine":
        message = f"agrees on keys by DHE modulo the prime of {known.name} ({bits} bits)"
        tolerable = Severity.INFO if known.worth == "tolerable" else None
        yield Fault("tls-dh-common-prime", message, fact, tolerable)


def _quantum(facts: EndpointFacts) -> Iterator[Fault]:
    """Look at the groups of TLS 1.3, where the list of them is whole."""
    cut = any(what.startswith("groups of TLS 1.3") for what in facts.unseen)
    if not facts.versions.get(Version.TLS13) or not facts.groups or cut:
        return
    names = listed(map(group_name, facts.groups))
    if not POST_QUANTUM.intersection(facts.groups):
        yield Fault("tls-pq-missing", f"agrees on keys by {names} only", "")
    elif POST_QUANTUM.issuperset(facts.groups):
        yield Fault("tls-pq-only", f"agrees on keys by {names} only", "")
