"""What a scan is told, and what it gives. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from checks import suppress  # noqa: TC001 - msgspec resolves it
from checks.keyfiles import KeySeen  # noqa: TC001 - msgspec resolves it
from checks.model import Finding, Inconclusive, Suppressed  # noqa: TC001 - msgspec resolves them
from checks.secrets.keyfaults import Place

if TYPE_CHECKING:
    from checks.policy import Policy
    from checks.redact import FingerprintKey


class Result(msgspec.Struct):
    """What looking at some files gave: counts and outcomes, safe to hand to other processes."""

    files: int = 0
    bytes: int = 0
    text_bytes: int = 0
    members: int = 0
    degraded: int = 0
    not_applicable: dict[str, int] = {}
    findings: list[Finding] = []
    suppressed: list[Suppressed] = []
    inconclusive: list[Inconclusive] = []
    keys: list[KeySeen] = []
    certificates: list[tuple[str, str]] = []
    """Files with a certificate: (path, ""), or with the public key's digest once read."""
    accepted: list[suppress.Entry] = []
    """Baseline entries of the findings, when a baseline is being taken."""

    def count(self, kind: str) -> None:
        """Count something that has no content to look at."""
        self.not_applicable[kind] = self.not_applicable.get(kind, 0) + 1


class Orders(NamedTuple):
    """What a scan is told: policy, fingerprint keys, marks, baseline."""

    policy: Policy
    keys: tuple[FingerprintKey, ...]
    marks: bool = False
    marking: int | None = None
    """The only user whose files' marks count; None: anybody's."""
    accepted: suppress.Accepted | None = None
    base: str = ""
    """The folder the baseline's paths are relative to."""
    place: Place = Place.HOST
    within: str = ""
    """The folder of an unpacked root, below which the paths given to a scanner are."""
    foreign: bool = False
    """What is scanned is of another system: this host's names for its numbers say nothing, and a
    baseline keeps its paths as they are."""
    roots: tuple[str, ...] = ()
    """What is scanned."""
    taking: bool = False
    """A baseline is being taken: findings come with their slow hashes."""
