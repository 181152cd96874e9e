"""Faults of keys and signatures along a chain: short, badly made, or under a broken hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from checks.model import Severity
from checks.secrets import weaknesses
from checks.secrets.advice import CheckText
from checks.secrets.crypto import PublicFacts
from checks.tls import chain, moduli
from checks.tls.faults import Fault, distinct

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from checks.tls.certificate import Certificate
    from checks.tls.chain import Path
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context

_BASELINE: Final = "https://cabforum.org/working-groups/server/baseline-requirements/requirements/"
_TRANSITIONS: Final = "https://csrc.nist.gov/pubs/sp/800/131/a/r2/final"

CHECKS: Final[dict[str, CheckText]] = {
    "cert-key-weak": CheckText(
        "Weak key in a certificate",
        Severity.HIGH,
        "a certificate of the chain has a weak key",
        "Make a new key (ECDSA P-256, or RSA of 2048 bits or more) and have it certified.",
        "Whoever can pay for the computation poses as the server, or as its authority.",
        (_TRANSITIONS,),
    ),
    "cert-key-compromised": CheckText(
        "Key that anybody can compute",
        Severity.CRITICAL,
        "the private key can be computed from a certificate of the chain",
        "Make a new key with current software, have it certified, and revoke the old certificate.",
        "The key's numbers were badly made: what is public gives the private key away.",
        (
            f"{_BASELINE}#6113-subscriber-key-pair-generation",
            "https://nvd.nist.gov/vuln/detail/CVE-2017-15361",
            "https://nvd.nist.gov/vuln/detail/CVE-2022-26320",
        ),
    ),
    "cert-exponent": CheckText(
        "Unsound RSA exponent",
        Severity.MEDIUM,
        "a certificate of the chain has an unsound RSA exponent",
        "Make a new key with the exponent 65537, which every tool takes by itself.",
        "Small exponents have made forged signatures pass, and standards forbid them.",
        ("https://csrc.nist.gov/pubs/fips/186-5/final",),
    ),
    "cert-signature-weak": CheckText(
        "Certificate signed with a broken hash",
        Severity.HIGH,
        "a certificate of the chain is signed with a broken hash",
        "Have it reissued with SHA-256 or better.",
        "Collisions of MD5 and SHA-1 can be computed, and with them a second certificate that bears"
        " the same signature; current clients refuse it.",
        ("https://www.rfc-editor.org/rfc/rfc9155", _TRANSITIONS),
    ),
}

_BROKEN: Final = frozenset({"md2", "md4", "md5", "sha1"})
_LEAST_EXPONENT: Final = 65537
_MOST_EXPONENT_BITS: Final = 256
"""FIPS 186-5 A.1.1: odd, between 2 ** 16 and 2 ** 256."""


def judge(facts: EndpointFacts, context: Context) -> Iterator[Fault]:
    """Judge the keys and signatures that every chain of the endpoint rests on."""
    paths = chain.paths(facts.chains, context)
    yield from distinct(_judged(paths))


def _judged(paths: Sequence[Path]) -> Iterator[Fault]:
    for path in paths:
        for one in path.certificates:
            yield from _key(one)
        for one in path.unanchored:
            # Clients do not look at what a certificate says of itself.
            if not one.self_signed or one is path.leaf:
                yield from _exponent(one)
            if not one.self_signed:
                yield from _signature(one)
    yield from _shared([one for path in paths for one in path.certificates])


def _key(one: Certificate) -> Iterator[Fault]:
    key = one.key
    why = weaknesses.of_public(PublicFacts(key.kind, key.bits, key.curve, key.spki))
    if why:
        yield Fault("cert-key-weak", f"{one.label}: {why}", one.sha256)
    if known := moduli.weakness(key.modulus):
        yield Fault("cert-key-compromised", f"{one.label}: {known}", one.sha256)


def _exponent(one: Certificate) -> Iterator[Fault]:
    exponent = one.key.exponent
    bits = exponent.bit_length()
    sound = exponent >= _LEAST_EXPONENT and exponent % 2 and bits <= _MOST_EXPONENT_BITS
    if one.key.kind == "rsa" and one.key.modulus and not sound:
        called = str(exponent) if bits <= 64 else f"of {bits} bits"
        yield Fault("cert-exponent", f"{one.label} has the RSA exponent {called}", one.sha256)


def _signature(one: Certificate) -> Iterator[Fault]:
    name, digest = one.signature
    if digest in _BROKEN:
        said = f"{one.label} is signed with {name} and {digest.upper()}"
        yield Fault("cert-signature-weak", said, one.sha256)


def _shared(found: Sequence[Certificate]) -> Iterator[Fault]:
    """Find keys of one endpoint that give each other away by a common prime."""
    owners = {one.key.modulus: one for one in found}
    for pair in moduli.shared(owners):
        first, second = (owners[modulus] for modulus in pair)
        for one, other in ((first, second), (second, first)):
            said = f"{one.label} shares an RSA prime with the {other.label}"
            yield Fault("cert-key-compromised", said, one.sha256)
