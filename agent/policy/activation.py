"""From a policy that was pulled to one that is known to be good, or back to the one before. Pure.

Every role tries a new policy first; only when all can use it do all switch to it, and only when
they were well with it for a while is it the known good one. One that failed is not tried again
until an edition of it changes.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRIES: Final = 60.0
"""Seconds in which every role has to say whether it can use a policy."""
_STARTS: Final = 2
"""A role that began anew so often during the probation does not stand the policy."""
_KEPT: Final = 20
"""Failures that are remembered."""


class Effective(msgspec.Struct, frozen=True, kw_only=True):
    """What all layers together say for this host.

    sha256: of `says` as a policy; editions: by layer; origins: by key path the layers from which
    a value comes; versions: of the store's metadata that it was read under, by role.
    """

    name: str
    sha256: str
    says: dict[str, object]
    editions: dict[str, int]
    origins: dict[str, tuple[str, ...]] = {}
    versions: dict[str, int] = {}


class State(enum.StrEnum):
    """How far a policy is."""

    NONE = "none"
    """No policy came yet."""
    TRYING = "trying"
    """The roles see whether they can use it; the one before holds."""
    PROVING = "proving"
    """All work by it; the one before is kept."""
    APPLIED = "applied"
    FAILED = "failed"
    """The last one that came was refused or taken back; the one before holds."""

    @property
    def told(self) -> str:
        """Give the word for reports: applying, applied or failed."""
        return "applying" if self in {State.TRYING, State.PROVING} else self.value


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that failed: by the editions that it was made of, its hash, and why.

    sha256: "" for one that is no policy. The same editions of another store are another policy.
    """

    editions: dict[str, int]
    sha256: str = ""
    why: str


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of it, over restarts too. since: when `state` began, in seconds since 1970."""

    state: State = State.NONE
    good: Effective | None = None
    candidate: Effective | None = None
    why: str = ""
    since: float = 0
    failures: tuple[Failure, ...] = ()

    @property
    def active(self) -> Effective | None:
        """What all roles are to work by, None for what the host itself has."""
        return self.candidate if self.state is State.PROVING else self.good

    @property
    def tried(self) -> Effective | None:
        """What all roles are to try, without working by it."""
        return self.candidate if self.state is State.TRYING else None


class Seen(NamedTuple):
    """How one role that runs is with a policy.

    tried, refused: of the policy it tried last the hash, and why it cannot use it; active: the hash
    of the one it works by; starts: how often it began anew since the state began; alive: it shows
    signs of life.
    """

    tried: str = ""
    refused: str = ""
    active: str = ""
    starts: int = 0
    alive: bool = True


def offer(held: Held, made: Effective, now: float) -> Held:
    """Take what was pulled: to be tried, if it is new and did not fail before."""
    failed = ((one.editions, one.sha256) for one in held.failures)
    if (made.editions, made.sha256) in failed:
        return held
    if held.candidate is not None and held.candidate.sha256 == made.sha256:
        return msgspec.structs.replace(held, candidate=made)
    if held.good is not None and held.good.sha256 == made.sha256:
        if held.candidate is None and held.state is State.APPLIED:
            return msgspec.structs.replace(held, good=made)
        return _good(held, made, now)
    return msgspec.structs.replace(held, candidate=made, state=State.TRYING, why="", since=now)


def refuse(held: Held, editions: dict[str, int], why: str, now: float) -> Held:
    """Keep that a policy made of these editions is no policy; the one before holds on."""
    failure = Failure(editions=editions, why=why)
    again = not editions and held.state is State.FAILED and held.why == why
    return held if again or failure in held.failures else _failed(held, failure, now)


def judge(
    held: Held, roles: Mapping[str, Seen], elapsed: float, probation: float, now: float
) -> Held:
    """Go on by how the roles are; elapsed: seconds since the state began, by a steady clock."""
    made = held.candidate
    if made is None:
        return held
    if held.state is State.TRYING:
        return _tried(held, made, roles, elapsed, now)
    if why := _unwell(made, roles, elapsed, probation):
        return _failed(held, _of(made, why), now)
    return _good(held, made, now) if elapsed >= probation else held


def _tried(
    held: Held, made: Effective, roles: Mapping[str, Seen], elapsed: float, now: float
) -> Held:
    said = {name: seen for name, seen in roles.items() if seen.tried == made.sha256}
    for name, seen in sorted(roles.items()):
        if name in said and seen.refused:
            return _failed(held, _of(made, f"{name}: {seen.refused}"), now)
        if seen.starts >= _STARTS:
            why = f"{name}: ended and began anew {seen.starts} times as it tried it"
            return _failed(held, _of(made, why), now)
    silent = sorted(name for name, seen in roles.items() if seen.alive and name not in said)
    if not silent:
        return msgspec.structs.replace(held, state=State.PROVING, since=now)
    if elapsed >= _TRIES:
        why = f"{', '.join(silent)}: did not try it within {_TRIES:.0f} s"
        # It was not the policy: it is offered again.
        return _failed(held, Failure(editions={}, why=why), now)
    return held


def _unwell(made: Effective, roles: Mapping[str, Seen], elapsed: float, probation: float) -> str:
    """Say why a policy that all were to work by does not hold, "" while it does."""
    for name, seen in sorted(roles.items()):
        if seen.tried == made.sha256 and seen.refused:
            return f"{name}: {seen.refused}"
        if seen.starts >= _STARTS:
            return f"{name}: ended and began anew {seen.starts} times under it"
        if elapsed >= probation and not seen.alive:
            return f"{name}: shows no sign of life under it"
        if elapsed >= probation and seen.active != made.sha256:
            return f"{name}: did not take it"
    return ""


def _good(held: Held, made: Effective, now: float) -> Held:
    return msgspec.structs.replace(
        held, state=State.APPLIED, good=made, candidate=None, why="", since=now
    )


def _of(made: Effective, why: str) -> Failure:
    return Failure(editions=made.editions, sha256=made.sha256, why=why)


def _failed(held: Held, failure: Failure, now: float) -> Held:
    failures = (*held.failures, *((failure,) if failure.editions else ()))[-_KEPT:]
    return msgspec.structs.replace(
        held, state=State.FAILED, candidate=None, why=failure.why, since=now, failures=failures
    )
