"""Rules of TLS profiles on certificates: their keys, their signatures, their lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.tls.profilerule import NO_CERTIFICATE, Count, KeyFacts, Rule, Verdict, numbered
from checks.tls.profilewire import group_numbers

if TYPE_CHECKING:
    from checks.tls.profilerule import Leaves


class Keys(Rule, frozen=True, kw_only=True, tag="keys"):
    """Which keys a certificate may have.

    rsa: least bits, None for no RSA key at all; ec: least bits; curves: the only ones, where they
    are named; kinds: others that are allowed, such as "ed25519".
    """

    rsa: Count | None = None
    ec: Count | None = None
    curves: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        numbered(self.curves, group_numbers())

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        if self.fix:
            return self.fix
        least = [f"RSA of {self.rsa} bits or more"] if self.rsa is not None else []
        curves = list(self.curves) or ([f"EC of {self.ec} bits or more"] if self.ec else [])
        return f"Get a certificate with another key: {', '.join([*least, *curves, *self.kinds])}."

    def judge(self, certificates: Leaves) -> Verdict:
        """Look at the certificates' keys."""
        if not certificates:
            return NO_CERTIFICATE
        wrong = [c.key.label for c in certificates if not self._fits(c.key)]
        return Verdict(tuple(f"has a key of {label}" for label in dict.fromkeys(wrong)))

    def _fits(self, key: KeyFacts) -> bool:
        if key.kind == "rsa":
            return self.rsa is not None and key.bits >= self.rsa
        if key.kind == "ec" and self.curves:
            known = group_numbers()
            return known.get(key.curve.lower()) in numbered(self.curves, known)
        if key.kind == "ec" and self.ec is not None:
            return key.bits >= self.ec
        return key.kind in self.kinds


class Signatures(Rule, frozen=True, kw_only=True, tag="signatures"):
    """Which hashes a certificate's signature may rest on; names: algorithms that have no choice."""

    digests: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Get a certificate signed with {', '.join(self.digests + self.names)}."

    def judge(self, certificates: Leaves) -> Verdict:
        """Look at the signatures on the certificates."""
        if not certificates:
            return NO_CERTIFICATE
        signatures = [c.signature for c in certificates]
        wrong = [
            f"has a certificate signed with {s.name} {s.digest}".rstrip()
            for s in signatures
            if s.digest not in self.digests and s.name not in self.names
        ]
        return Verdict(tuple(dict.fromkeys(wrong)))


class Lifetime(Rule, frozen=True, kw_only=True, tag="lifetime"):
    """The longest life of a certificate in days."""

    days: Count

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Get certificates of at most {self.days} days, renewed by a program."

    def judge(self, certificates: Leaves) -> Verdict:
        """Look at the certificates' lives."""
        if not certificates:
            return NO_CERTIFICATE
        lives = [c.lifetime.days for c in certificates if c.lifetime.total_seconds() > self._most]
        return Verdict(tuple(f"has a certificate of {n} days" for n in dict.fromkeys(lives)))

    @property
    def _most(self) -> float:
        return self.days * 86_400
