"""Rules of TLS profiles on what is agreed: versions, suites, groups, features, HSTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping  # noqa: TC003 - msgspec resolves them
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal

import msgspec

from checks.tls import primes, remedies, suites
from checks.tls.hsts import directives, max_age
from checks.tls.numbers import Version, group_numbers
from checks.tls.profilerule import Choice, Count, Rule, Verdict
from checks.tls.remedies import Kind, Remedy
from checks.tls.wording import group_name, listed, suite_names

if TYPE_CHECKING:
    from collections.abc import Collection

    from checks.tls.facts import EndpointFacts

_SWITCHES: Final = {
    ("client_renegotiation", False): Kind.RENEGOTIATION,
    ("compression", False): Kind.COMPRESSION,
    ("early_data", False): Kind.EARLY_DATA,
    ("secure_renegotiation", True): Kind.BOUND_RENEGOTIATION,
    ("server_order", False): Kind.CLIENT_ORDER,
    ("server_order", True): Kind.SERVER_ORDER,
}
"""What mends a feature that is on or off where it has to be the other way."""
_MOST_SUITES: Final = 12


@cache
def version_numbers() -> Mapping[str, int]:
    """Give versions by lower-case name."""
    return {version.label.lower(): version for version in Version}


@cache
def suite_numbers() -> Mapping[str, int]:
    """Give suites by lower-case name, IANA's or OpenSSL's."""
    by_openssl = {name.lower(): suite.code for name, suite in suites.by_openssl_name().items()}
    return by_openssl | {suite.name.lower(): code for code, suite in suites.known().items()}


class Versions(Choice, frozen=True, kw_only=True, tag="versions"):
    """Which versions may be spoken, and which have to be."""

    what: ClassVar[str] = "a version such as TLS 1.3"
    numbers: ClassVar[Callable[[], Mapping[str, int]]] = staticmethod(version_numbers)

    required: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """What has to be there."""
        return self.required

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at the versions that were agreed on."""
        spoken = self.broken_by(sorted(v for v, yes in facts.versions.items() if yes))
        maybe = self.broken_by(sorted(v for v, yes in facts.versions.items() if yes is None))
        needed = sorted(self.named(self.required))
        missing = [v for v in needed if facts.versions.get(Version(v)) is False]
        return Verdict(
            (
                *(f"speaks {Version(v).label}" for v in spoken),
                *(f"does not speak {Version(v).label}" for v in missing),
            ),
            f"{listed(Version(v).label for v in maybe)} not settled" if maybe else "",
        )

    def remedy(self, _facts: EndpointFacts) -> Remedy | None:
        """Ask for the versions in use that are allowed."""
        kept = tuple(map(Version, self.kept((), remedies.MODERN)))
        return Remedy(Kind.PROTOCOLS, kept) if kept else None


class Suites(Choice, frozen=True, kw_only=True, tag="suites"):
    """Which suites may be accepted."""

    what: ClassVar[str] = "a cipher suite such as TLS_AES_128_GCM_SHA256"
    numbers: ClassVar[Callable[[], Mapping[str, int]]] = staticmethod(suite_numbers)

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at the accepted suites."""
        broken = set(self.broken_by([one.suite for one in facts.suites]))
        wrong = [one for one in facts.suites if one.suite in broken]
        return Verdict((f"accepts {suite_names(wrong)}",) if wrong else (), _by_class(facts))

    def remedy(self, facts: EndpointFacts) -> Remedy | None:
        """Ask for the accepted suites that may stay, below TLS 1.3 and in it where one may not."""
        return _suites_left(facts, lambda code: not self.broken_by([code]))


class Strength(Rule, frozen=True, kw_only=True, tag="strength"):
    """The least strength of a cipher in bits; RC4 and anonymous suites count for nothing."""

    bits: Count

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return (
            self.fix or f"Switch off suites of less than {self.bits} bits, RC4 and anonymous ones."
        )

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at the accepted suites."""
        wrong = [one for one in facts.suites if _strength(one.suite) < self.bits]
        return Verdict((f"accepts {suite_names(wrong)}",) if wrong else (), _by_class(facts))

    def remedy(self, facts: EndpointFacts) -> Remedy | None:
        """Ask for the accepted suites that may stay."""
        return _suites_left(facts, lambda code: _strength(code) >= self.bits)


class Groups(Choice, frozen=True, kw_only=True, tag="groups"):
    """Which groups keys may be agreed with, in every version; need: one of these is there."""

    what: ClassVar[str] = "a group such as X25519MLKEM768"
    numbers: ClassVar[Callable[[], Mapping[str, int]]] = staticmethod(group_numbers)

    need: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """What has to be there."""
        return self.need

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at the groups of TLS 1.3 and the curves of older versions."""
        seen = tuple(dict.fromkeys((*facts.groups, *facts.curves)))
        wrong = self.broken_by(seen)
        cut = next((why for why in facts.unseen if why.startswith(("groups", "curves"))), "")
        found = [f"accepts {listed(map(group_name, wrong))}"] if wrong else []
        if self.need and seen and not cut and self.named(self.need).isdisjoint(seen):
            found.append(f"accepts none of {listed(self.need)}")
        return Verdict(tuple(found), cut)

    def remedy(self, facts: EndpointFacts) -> Remedy | None:
        """Ask for the groups that may stay, and for the first of those that are needed."""
        needed = [code for name in self.need[:1] for code in self.named((name,))]
        kept = self.kept((*facts.groups, *facts.curves), remedies.CURVES)
        groups = tuple(dict.fromkeys((*needed, *kept)))
        return Remedy(Kind.GROUPS, groups=groups) if groups else None


class Primes(Rule, frozen=True, kw_only=True, tag="primes"):
    """The least length of a Diffie-Hellman prime below TLS 1.3; named: only those of RFC 7919."""

    bits: Count
    named: bool = False

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        which = "primes of RFC 7919" if self.named else "primes"
        return self.fix or f"Switch DHE off, or take {which} of {self.bits} bits or more."

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at the primes that the server sent."""
        wrong = [p for p in facts.primes if p.bits < self.bits or not self._fits(p.prime)]
        return Verdict(tuple(f"agrees on keys by DHE modulo {p.bits} bits" for p in wrong))

    def _fits(self, prime: int) -> bool:
        known = primes.known().get(prime)
        return not self.named or (known is not None and known.worth == "fine")


class Hsts(Rule, frozen=True, kw_only=True, tag="hsts"):
    """The least max-age of Strict-Transport-Security in seconds; not for what speaks no HTTP."""

    seconds: Count
    subdomains: bool = False

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Send Strict-Transport-Security: {self._remedy.hsts}."

    @property
    def _remedy(self) -> Remedy:
        return Remedy(Kind.HSTS, seconds=self.seconds, subdomains=self.subdomains)

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at the header; one that is missing on an error page says nothing."""
        if facts.http is None:
            return Verdict()
        header = facts.http.hsts
        if header is None:
            if facts.http.status >= 400:
                return Verdict(unsettled=f"only an answer {facts.http.status} was seen")
            return Verdict(("sends no Strict-Transport-Security",))
        age = max_age(header)
        if age is None or age < self.seconds:
            return Verdict((f"sends Strict-Transport-Security with max-age {age or 0}",))
        if self.subdomains and "includesubdomains" not in (directives(header) or {}):
            return Verdict(("sends Strict-Transport-Security without includeSubDomains",))
        return Verdict()

    def remedy(self, _facts: EndpointFacts) -> Remedy | None:
        """Ask for the header."""
        return self._remedy


class Feature(Rule, frozen=True, kw_only=True, tag="feature"):
    """Whether something has to be on or off; of handshakes below TLS 1.3 but for early data.

    with_cbc: only where a suite in CBC mode is accepted.
    """

    feature: Literal[
        "client_renegotiation",
        "compression",
        "early_data",
        "encrypt_then_mac",
        "extended_master_secret",
        "fallback_scsv",
        "secure_renegotiation",
        "server_order",
    ]
    enabled: bool
    with_cbc: bool = False

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Switch {self._name} {'on' if self.enabled else 'off'}."

    @property
    def _name(self) -> str:
        return self.feature.replace("_", " ")

    def judge(self, facts: EndpointFacts) -> Verdict:
        """Look at what was seen of it."""
        value: bool | int | None = getattr(facts, self.feature)
        applies = facts.classic or self.feature == "early_data"
        if not applies or (self.with_cbc and not _any_cbc(facts)):
            return Verdict()
        if value is None:
            return Verdict(unsettled=f"{self._name} not settled")
        if bool(value) == self.enabled:
            return Verdict()
        return Verdict((f"{self._name} is {'on' if value else 'off'}",))

    def remedy(self, _facts: EndpointFacts) -> Remedy | None:
        """Ask for what can be switched by a setting."""
        kind = _SWITCHES.get((self.feature, self.enabled))
        return Remedy(kind) if kind else None


class Faultless(Rule, frozen=True, kw_only=True, tag="faults"):
    """Checks that must find nothing, such as "cert-expired"; also where no TLS is spoken."""

    checks: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Mend what these checks find: {', '.join(self.checks)}."

    def judge(self, failed: Collection[str]) -> Verdict:
        """Look at the ids of the checks that found something."""
        broken = [check for check in self.checks if check in failed]
        return Verdict((f"fails {listed(broken)}",) if broken else ())


def _suites_left(facts: EndpointFacts, may_stay: Callable[[int], bool]) -> Remedy | None:
    """Name the suites that are accepted and may stay, or usual ones; those of TLS 1.3 apart.

    They are all on by themselves, so that they are named only where one of them has to go, also
    before TLS 1.3 is on. Where none below it may stay, nothing below it may be spoken.
    """
    has = tuple(dict.fromkeys(one.suite for one in facts.suites))
    old = [code for code in has if not suites.of(code).is_tls13 and may_stay(code)]
    old = old or [code for code in remedies.CIPHERS if may_stay(code)]
    if facts.classic and not old:
        return Remedy(Kind.PROTOCOLS, (Version.TLS13,))
    new = [code for code in has if suites.of(code).is_tls13]
    new += [code for code in remedies.SUITES13 if code not in new]
    named = [code for code in new if may_stay(code)]
    if named == new:
        named = []
    if not facts.classic:
        old = []
    found = (*old[:_MOST_SUITES], *named)
    return Remedy(Kind.CIPHERS, suites=found) if found else None


def _by_class(facts: EndpointFacts) -> str:
    """Say why there may be more suites; those of TLS 1.3 are always listed whole."""
    return "" if facts.complete or not facts.classic else "suites were asked for by class only"


def _strength(code: int) -> int:
    suite = suites.of(code)
    return 0 if suite.is_anonymous or suite.cipher.startswith("RC4") else suite.bits


def _any_cbc(facts: EndpointFacts) -> bool:
    return any(suites.of(one.suite).is_cbc for one in facts.suites)
