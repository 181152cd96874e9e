"""What every rule of a TLS profile has, and what it may ask about.

A rule is data with a judgement: it is held against the facts of an endpoint and its certificates.
"""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
from collections.abc import Callable, Mapping  # noqa: TC003 - msgspec resolves them
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from checks import redact
from checks.policy import SeverityName  # noqa: TC001 - msgspec resolves it
from checks.tls.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.tls.facts import EndpointFacts
    from checks.tls.remedies import Remedy

_MANY: Final = 12
"""A fix with more names than this is read by nobody."""
_LONGEST: Final = 80
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
"""A number of bits, days or seconds."""


class KeyFacts(Protocol):
    """A certificate's key. kind: "rsa", "ec", "ed25519", "mldsa87" ...; curve: "" for none."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def bits(self) -> int:
        """How long it is."""

    @property
    def curve(self) -> str:
        """The name of its curve."""

    @property
    def label(self) -> str:
        """What people call it."""


class SignatureFacts(Protocol):
    """A certificate's signature. digest: "sha256" ..., "" for an algorithm without one."""

    @property
    def name(self) -> str:
        """The algorithm."""

    @property
    def digest(self) -> str:
        """The hash in it."""


class ExtensionFacts(Protocol):
    """A certificate's extensions. ocsp: the addresses that tell whether it was revoked."""

    @property
    def ocsp(self) -> tuple[str, ...]:
        """Where its status is told."""


class CertificateFacts(Protocol):
    """What rules ask of a server's own certificate; `certificate.Certificate` answers it."""

    @property
    def der(self) -> bytes:
        """Itself, as it was sent."""

    @property
    def key(self) -> KeyFacts:
        """Its public key."""

    @property
    def signature(self) -> SignatureFacts:
        """What its issuer signed it with."""

    @property
    def lifetime(self) -> datetime.timedelta:
        """How long it is valid."""

    @property
    def extensions(self) -> ExtensionFacts:
        """What its extensions say."""


class Verdict(NamedTuple):
    """What came of a rule. wrong: what was seen that breaks it; unsettled: why it may be more."""

    wrong: tuple[str, ...] = ()
    unsettled: str = ""


Leaves: TypeAlias = "Sequence[CertificateFacts]"
"""The certificates that an endpoint showed as its own."""
NO_CERTIFICATE: Final = Verdict(unsettled="no certificate was read")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What all rules have.

    clause: where the standard says it; severity: where it is not the profile's; since: the day from
    which it holds; checked: the clause was compared with public text of the standard; note: what a
    reader of the profile should know; fix: what to do, where the kind's own text does not do.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.\-]{0,63}$")]
    clause: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    severity: SeverityName | None = None
    since: datetime.date | None = None
    checked: bool = True
    note: Annotated[str, msgspec.Meta(max_length=400)] = ""
    fix: Annotated[str, msgspec.Meta(max_length=400)] = ""

    def remedy(self, _facts: EndpointFacts) -> Remedy | None:
        """Say what a server's configuration has to be set to; None where no setting mends it."""
        return None


class Choice(Rule, frozen=True, kw_only=True):
    """A rule with names that are allowed (all others are not) or names that are refused.

    A name that nobody knows is a ValueError, which the decoder turns into one with its place.
    """

    what: ClassVar[str]
    """What is named, with an example."""
    numbers: ClassVar[Callable[[], Mapping[str, int]]]
    """What names there are, in lower case."""

    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.allowed and self.refused:
            raise ValueError("expected either allowed or refused, got both")
        if not self.allowed + self.refused + self.asked:
            raise ValueError("expected either allowed or refused, got none")
        self.named(self.allowed + self.refused + self.asked)

    @property
    def asked(self) -> tuple[str, ...]:
        """What has to be there, for kinds of rules that can ask for something."""
        return ()

    @classmethod
    def named(cls, names: tuple[str, ...]) -> frozenset[int]:
        """Give the numbers of names; raises ValueError for one that nobody knows."""
        return numbered(names, cls.numbers(), cls.what)

    def broken_by(self, codes: Sequence[int]) -> list[int]:
        """Give those of CODES that the rule does not allow."""
        if self.refused:
            refused = self.named(self.refused)
            return [code for code in codes if code in refused]
        allowed = self.named(self.allowed) if self.allowed else frozenset(codes)
        return [code for code in codes if code not in allowed]

    def kept(self, seen: Iterable[int], usual: Sequence[int]) -> tuple[int, ...]:
        """Give what may stay of what a server has, which it knows by name, or of what is usual."""
        has = tuple(dict.fromkeys(seen))
        broken = set(self.broken_by(has))
        return tuple(c for c in has if c not in broken) or tuple(
            c for c in usual if c not in self.broken_by(usual)
        )

    @property
    def wanted(self) -> str:
        """What to do to keep the rule."""
        if self.fix:
            return self.fix
        if self.refused:
            return f"Switch off {listed(self.refused)}."
        if len(self.allowed) > _MANY:
            return f"Offer nothing but what it allows, such as {listed(self.allowed)}."
        if self.allowed:
            return f"Offer nothing but {', '.join(self.allowed)}."
        return f"Switch on {listed(self.asked)}."


def numbered(names: tuple[str, ...], known: Mapping[str, int], what: str) -> frozenset[int]:
    """Look names up, whatever their case; raises ValueError for one that is not known."""
    for name in names:
        if name.lower() not in known:
            raise ValueError(f"expected {what}, got {redact.shown(name[:_LONGEST])!r}")
    return frozenset(known[name.lower()] for name in names)
