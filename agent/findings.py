"""Findings as state: what one look at one subject changes in what is known. Pure.

A subject is what is looked at as a whole: a file, an endpoint. The rules:

- What is seen and was not known is opened; what is known and seen otherwise is changed.
- What is known and not seen in a conclusive look is over: resolved; but a leaked value, which may
  have been read by anybody while it stood there, is `removed` until it was changed at its service.
- A look that was not conclusive closes nothing.
- A waiver that begins or ends to hold changes what counts, and nothing has to be seen for that.
- While the fingerprint key changes, the same value under another key is the same finding.
"""

from __future__ import annotations

import enum
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent.events import Kind
from checks import suppress
from checks.model import Finding, Suppression  # noqa: TC001 - msgspec resolves them

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from checks.model import Suppressed


class Status(enum.StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    REMOVED = "removed"
    SUPPRESSED = "suppressed"


class Tracked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finding as it is known. Times: seconds since 1970 in UTC, of our own clock."""

    finding: Finding
    status: Status
    first_seen: float
    last_seen: float
    suppression: Suppression | None = None

    @property
    def identity(self) -> str:
        """What it is known by."""
        return self.finding.identity


class Look(NamedTuple):
    """What one look at a subject gave. conclusive: what was not seen is not there."""

    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    conclusive: bool = True


class Change(NamedTuple):
    """One finding that has to be written down anew; known: None where it is to be forgotten.

    kind: None where nobody needs to be told (only `last_seen` moved).
    """

    identity: str
    known: Tracked | None
    kind: Kind | None
    finding: Finding
    first_seen: float
    suppression: Suppression | None = None


_SEEN_AGAIN: Final = 3600.0
"""Seconds after which `last_seen` is written again: not each look is worth a write."""


def is_leak(finding: Finding) -> bool:
    """Say whether a value was readable: then it is a leak until it was changed."""
    return finding.evidence is not None and finding.evidence.length > 0


def observe(known: Mapping[str, Tracked], look: Look, now: float) -> list[Change]:
    """Compare what is known of a subject, by identity, with a look at it."""
    told: list[tuple[Finding, Suppression | None]] = [(finding, None) for finding in look.findings]
    told += [(one.finding, one.suppression) for one in look.suppressed]
    names = _renamed(known, (finding for finding, _ in told))
    seen = {names.get(finding.identity, finding.identity): (finding, why) for finding, why in told}
    met = (_met(identity, known.get(identity), *one, now) for identity, one in seen.items())
    missed = (_missed(one) for identity, one in known.items() if identity not in seen)
    return [*filter(None, met), *(filter(None, missed) if look.conclusive else ())]


def _met(
    identity: str,
    before: Tracked | None,
    finding: Finding,
    suppression: Suppression | None,
    now: float,
) -> Change | None:
    """Take in what was seen; the identity of a finding stays what it was at first."""
    finding = msgspec.structs.replace(finding, identity=identity)
    first = before.first_seen if before else now
    after = Tracked(
        finding=finding,
        status=Status.OPEN if suppression is None else Status.SUPPRESSED,
        first_seen=first,
        last_seen=max(now, first),  # a clock may be set back
        suppression=suppression,
    )
    kind = _kind(before, after)
    if kind is None and before is not None and before.finding == finding:
        return None if abs(now - before.last_seen) < _SEEN_AGAIN else _change(after, None)
    return _change(after, kind)


def _change(after: Tracked, kind: Kind | None) -> Change:
    return Change(after.identity, after, kind, after.finding, after.first_seen, after.suppression)


def _kind(before: Tracked | None, after: Tracked) -> Kind | None:
    """Say what somebody has to be told, None for nothing."""
    if before is None or before.status is not after.status:
        return Kind.OPENED if after.status is Status.OPEN else Kind.SUPPRESSED
    if before.suppression != after.suppression:
        return Kind.SUPPRESSED
    return None if _alike(before.finding, after.finding) else Kind.CHANGED


def _alike(one: Finding, other: Finding) -> bool:
    """Say whether two are the same but for what a new fingerprint key changes."""
    same = msgspec.structs.replace(one, evidence=other.evidence)
    return same == other and _value(one) == _value(other)


def _value(finding: Finding) -> tuple[str, int] | None:
    evidence = finding.evidence
    return None if evidence is None else (evidence.preview, evidence.length)


def _missed(known: Tracked) -> Change | None:
    """Close what was not seen any more; a leak stays, as removed, until it was changed."""
    if known.status is Status.REMOVED:
        return None
    if is_leak(known.finding):
        gone = msgspec.structs.replace(known, status=Status.REMOVED, suppression=None)
        return _change(gone, Kind.REMOVED)
    return Change(known.identity, None, Kind.RESOLVED, known.finding, known.first_seen)


def weighed(known: Tracked, waiver: Suppression | None) -> Change | None:
    """Take in which waiver covers a finding by now, None for none; nothing was looked at."""
    if known.status is Status.REMOVED:
        return None
    if known.suppression is not None and known.suppression.kind != suppress.WAIVER:
        return None
    status = Status.OPEN if waiver is None else Status.SUPPRESSED
    after = msgspec.structs.replace(known, status=status, suppression=waiver)
    kind = _kind(known, after)
    return None if kind is None else _change(after, kind)


def rotated(known: Tracked) -> Change:
    """Close a finding whose value was changed at its service."""
    return Change(known.identity, None, Kind.RESOLVED, known.finding, known.first_seen)


def _renamed(known: Mapping[str, Tracked], seen: Iterable[Finding]) -> dict[str, str]:
    """Give for each seen identity that is new the known one of the same value and place."""
    strange = [finding for finding in seen if finding.identity not in known]
    if not strange:
        return {}
    values = {mark: identity for identity, one in known.items() for mark in _marks(one.finding)}
    found = {}
    for finding in strange:
        same = next((values[mark] for mark in _marks(finding) if mark in values), None)
        if same is not None:
            found[finding.identity] = same
    return found


def _marks(finding: Finding) -> Iterator[tuple[str, str, str, str, str]]:
    """Give what tells a value at its place, once for each fingerprint key."""
    where = finding.location
    for one in finding.evidence.fingerprints if finding.evidence else ():
        yield finding.check, where.path, where.key_path, one.key, one.value


def digest(all_known: Iterable[tuple[str, Status]]) -> str:
    """Hash identities with their status, whatever their order; in hex."""
    lines = sorted(f"{identity} {status.value}\n" for identity, status in all_known)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
