"""Rules of TLS profiles on certificates: their keys, signatures, lives, and their status."""

from __future__ import annotations

import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from checks import redact
from checks.tls import signatures
from checks.tls.chain import read as read_chain
from checks.tls.numbers import group_numbers
from checks.tls.profilerule import NO_CERTIFICATE, Count, KeyFacts, Rule, Verdict, numbered
from checks.tls.profilewire import Groups
from checks.tls.remedies import Kind, Remedy
from checks.tls.wording import listed

if TYPE_CHECKING:
    from checks.tls.facts import EndpointFacts
    from checks.tls.profilerule import Leaves, SignatureFacts

_KINDS: Final = ("ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87")
_LONGEST: Final = 80
_DAY: Final = datetime.timedelta(days=1)


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
        numbered(self.curves, group_numbers(), Groups.what)
        if strange := [kind for kind in self.kinds if kind not in _KINDS]:
            got = redact.shown(strange[0][:_LONGEST])
            raise ValueError(f"expected kinds of {', '.join(_KINDS)}, got {got!r}")

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
        return Verdict((f"has a key of {listed(wrong)}",) if wrong else ())

    def _fits(self, key: KeyFacts) -> bool:
        if key.kind == "rsa":
            return self.rsa is not None and key.bits >= self.rsa
        if key.kind == "ec" and self.curves:
            known = group_numbers()
            return known.get(key.curve.lower()) in numbered(self.curves, known, Groups.what)
        if key.kind == "ec" and self.ec is not None:
            return key.bits >= self.ec
        return key.kind in self.kinds


@cache
def _algorithms() -> frozenset[str]:
    """Give all that can be said of a signature: "sha256", "ECDSA", "ECDSA sha256", lower case."""
    pairs = signatures.known()
    words = [*(p.name for p in pairs), *(p.digest for p in pairs), *map(_label, pairs)]
    return frozenset(word.lower() for word in words if word)


def _label(signature: SignatureFacts) -> str:
    return f"{signature.name} {signature.digest}".rstrip()


class Signatures(Rule, frozen=True, kw_only=True, tag="signatures"):
    """What a certificate may be signed with.

    allowed: algorithms and hashes together, "ECDSA sha256", or one of the two where the other does
    not matter, "sha256" or "Ed25519". RSA is PKCS #1 v1.5; RSA-PSS stands for itself.
    """

    allowed: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if strange := [word for word in self.allowed if word.lower() not in _algorithms()]:
            got = redact.shown(strange[0][:_LONGEST])
            raise ValueError(f"expected a signature such as ECDSA sha256, got {got!r}")

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Get a certificate signed with {', '.join(self.allowed)}."

    def judge(self, certificates: Leaves) -> Verdict:
        """Look at the signatures on the certificates."""
        if not certificates:
            return NO_CERTIFICATE
        wrong = [_label(c.signature) for c in certificates if not self._fits(c.signature)]
        return Verdict((f"has a certificate signed with {listed(wrong)}",) if wrong else ())

    def _fits(self, signature: SignatureFacts) -> bool:
        said = {signature.name.lower(), signature.digest, _label(signature).lower()}
        return not said.isdisjoint(word.lower() for word in self.allowed)


class Lifetime(Rule, frozen=True, kw_only=True, tag="lifetime"):
    """The longest life of a certificate in days."""

    days: Annotated[int, msgspec.Meta(ge=1, le=36_500)]

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        return self.fix or f"Get certificates of at most {self.days} days, renewed by a program."

    def judge(self, certificates: Leaves) -> Verdict:
        """Look at the certificates' lives."""
        if not certificates:
            return NO_CERTIFICATE
        lives = [c.lifetime for c in certificates if c.lifetime > self.days * _DAY]
        days = listed(f"{-(-life // _DAY)}" for life in sorted(lives, reverse=True))
        return Verdict((f"has a certificate of {days} days",) if lives else ())


class Status(Rule, frozen=True, kw_only=True, tag="status"):
    """How it is told whether a certificate was revoked.

    address: the certificate says where to ask by OCSP; stapled: where it does, the server sends
    the answer along.
    """

    address: bool = False
    stapled: bool = False

    def __post_init__(self) -> None:
        if not (self.address or self.stapled):
            raise ValueError("expected address: true or stapled: true, got neither")

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        if self.fix:
            return self.fix
        get = ["Get certificates of an authority that answers by OCSP."] if self.address else []
        return " ".join([*get, *(["Switch OCSP stapling on."] if self.stapled else [])])

    def judge(self, facts: EndpointFacts, certificates: Leaves) -> Verdict:
        """Look at the certificates, and at what was sent beside them."""
        if not certificates:
            return NO_CERTIFICATE
        found = []
        if self.address and not all(c.extensions.ocsp for c in certificates):
            found.append("has a certificate that names no OCSP address")
        sent = {chain.certificates[0] for chain in facts.chains if chain.staple}
        if self.stapled and any(c.extensions.ocsp and c.der not in sent for c in certificates):
            found.append("sends no OCSP answer")
        return Verdict(tuple(found))

    def remedy(self, facts: EndpointFacts) -> Remedy | None:
        """Ask for stapling, where a certificate says whose answer there is."""
        bare = (read_chain(one).leaf for one in facts.chains if not one.staple)
        wanted = self.stapled and any(leaf is not None and leaf.extensions.ocsp for leaf in bare)
        return Remedy(Kind.STAPLE) if wanted else None
