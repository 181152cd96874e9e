"""Grade an endpoint in the way of SSL Labs (rating guide 2009r): three scores, then caps by faults.

Score = 0.3 protocols + 0.3 key agreement + 0.4 ciphers; A from 80, B 65, C 50, D 35, E 20. It is a
summary for people who know the letters: browsers are not simulated; what one of today would get is
taken from what the server chooses. Letters, weights and caps were compared with public text of the
guide (2009n to 2009q) and with what its authors announced in 2015 and 2017; the caps of SSL 3 and
of 2009r, for servers without TLS 1.3, could not be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls import suites
from checks.tls.hsts import max_age
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from checks.tls.facts import EndpointFacts
    from checks.tls.profilerule import KeyFacts, Leaves
    from checks.tls.suites import Suite

_LETTERS: Final = ("A+", "A", "A-", "B", "C", "D", "E", "M", "T", "F")
"""Best first. M: the name does not fit; T: the certificate is not trusted."""
_SCORES: Final = ((80, "A"), (65, "B"), (50, "C"), (35, "D"), (20, "E"), (0, "F"))
_PROTOCOLS: Final = {
    Version.SSL2: 0,
    Version.SSL3: 80,
    Version.TLS10: 90,
    Version.TLS11: 95,
    Version.TLS12: 100,
    Version.TLS13: 100,
}
_KEYS: Final = ((4096, 100), (2048, 90), (1024, 80), (512, 40), (1, 20), (0, 0))
_CIPHERS: Final = ((256, 100), (128, 80), (1, 20), (0, 0))
_CURVES: Final = ((521, 15360), (384, 7680), (250, 3072), (224, 2048), (160, 1024), (0, 512))
"""Bits of a curve and of an RSA key of like strength (NIST SP 800-57 part 1, 5.6.1)."""
_LIKE_STRONG: Final = 3072
"""X25519 and P-256, which nearly everybody agrees on keys with."""
_LONG: Final = 15_552_000
"""180 days in seconds: the least max-age of an A+."""
_CAPS: Final = {
    "cert-chain-expired": "T",
    "cert-chain-incomplete": "B",
    "cert-expired": "T",
    "cert-key-compromised": "F",
    "cert-name-mismatch": "M",
    "cert-not-yet-valid": "T",
    "cert-self-signed": "T",
    "cert-signature-weak": "T",
    "cert-untrusted": "T",
    "tls-1.0": "B",
    "tls-1.1": "B",
    "tls-1.3-missing": "A-",
    "tls-cipher-anonymous": "F",
    "tls-cipher-export": "F",
    "tls-cipher-null": "F",
    "tls-cipher-rc4": "B",
    "tls-compression": "C",
    "tls-dh-composite": "F",
    "tls-dh-weak": "B",
    "tls-renegotiation-insecure": "F",
    "tls-sslv2": "F",
    "tls-sslv3": "C",
    "vuln-ccs": "F",
    "vuln-heartbleed": "F",
    "vuln-robot": "F",
    "vuln-ticketbleed": "F",
}
"""The best grade that each fault leaves."""


class Grade(NamedTuple):
    """One grade. score: 0 to 100, before caps; reasons: what capped it, worst first."""

    letter: str
    score: int
    reasons: tuple[str, ...] = ()


def grade(facts: EndpointFacts, certificates: Leaves, failed: Collection[str]) -> Grade | None:
    """Grade what was seen; None where no TLS was spoken.

    certificates: the endpoint's own ones; failed: the ids of the checks that it fails.
    """
    spoken = [version for version, yes in facts.versions.items() if yes]
    if not spoken:
        return None
    accepted = [suites.of(one.suite) for one in facts.suites]
    parts = (
        _between(_PROTOCOLS[version] for version in spoken),
        min(_step(_KEYS, bits) for bits in _lengths(facts, certificates, accepted)),
        _between(_step(_CIPHERS, suite.bits) for suite in accepted),
    )
    score = round((3 * parts[0] + 3 * parts[1] + 4 * parts[2]) / 10) if all(parts) else 0
    caps = sorted(_caps(facts, certificates, failed, accepted), key=lambda c: -_LETTERS.index(c[0]))
    letters = [next(letter for least, letter in _SCORES if score >= least), *(c[0] for c in caps)]
    letter = max(letters, key=_LETTERS.index)
    if letter == "A" and _is_exceptional(facts, failed):
        letter = "A+"
    return Grade(letter, score, tuple(f"{why} ({cap} at best)" for cap, why in caps))


def _between(scores: Iterable[int]) -> float:
    """Take the middle of the best and the worst."""
    found = list(scores)
    return (max(found) + min(found)) / 2 if found else 0


def _step(table: tuple[tuple[int, int], ...], bits: int) -> int:
    return next(score for least, score in table if bits >= least)


def _lengths(facts: EndpointFacts, certificates: Leaves, accepted: list[Suite]) -> Iterator[int]:
    """Give the strengths of what keys rest on, in bits of an RSA key."""
    yield _LIKE_STRONG
    yield from (_like_rsa(one.key) for one in certificates)
    yield from (prime.bits for prime in facts.primes)
    if any(suite.is_anonymous for suite in accepted):
        yield 0
    if any(suite.is_export for suite in accepted):
        yield 512


def _like_rsa(key: KeyFacts) -> int:
    if key.kind in {"rsa", "dsa"}:
        return key.bits
    if key.kind == "ec":
        return _step(_CURVES, key.bits)
    return 7680 if key.kind == "ed448" else _LIKE_STRONG


def _caps(
    facts: EndpointFacts, certificates: Leaves, failed: Collection[str], accepted: list[Suite]
) -> Iterator[tuple[str, str]]:
    """Give what caps the grade: by named faults, and by what no suite or version offers."""
    yield from ((cap, check) for check, cap in _CAPS.items() if check in failed)
    best = max(version for version, yes in facts.versions.items() if yes)
    if best < Version.TLS12:
        yield "C", "no TLS 1.2"
    for version in (Version.TLS11, Version.TLS12):
        if weak := _chosen_weakly(facts, version):
            yield "C", f"{weak} with {version.label}"
    if not any(suite.has_forward_secrecy for suite in accepted):
        yield "B", "no suite with forward secrecy"
    if not any(suite.is_aead for suite in accepted):
        yield "B", "no suite with authenticated encryption"
    shortest = min((_like_rsa(one.key) for one in certificates), default=_LIKE_STRONG)
    if shortest < 2048:
        yield "F" if shortest < 1024 else "B", "a short key"
    if any(prime.bits < 1024 for prime in facts.primes):
        yield "F", "a short Diffie-Hellman prime"


def _chosen_weakly(facts: EndpointFacts, version: Version) -> str:
    """Say which old cipher a client of today would get, "" for none.

    Those that a server has for old clients alone cost less: it must choose them, or have no other.
    """
    found = [suites.of(one.suite) for one in facts.suites if one.version is version]
    chosen = found[:1] if facts.server_order else found
    if chosen and all(suite.cipher.startswith("RC4") for suite in chosen):
        return "RC4"
    return "64-bit blocks" if chosen and all(s.has_small_blocks for s in chosen) else ""


def _is_exceptional(facts: EndpointFacts, failed: Collection[str]) -> bool:
    age = max_age(facts.http.hsts or "") if facts.http else None
    return (age or 0) >= _LONG and "tls-fallback-scsv-missing" not in failed
