"""The policy that a role works by: the store's, the host's own file, or the built-in one. EDGE.

The courier publishes what holds and what is to be tried. A role builds what it needs of a policy
before it says that it can use it, and keeps that, so that the switch itself takes no time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from agent import policyfile, powers, snapshot
from agent.policy import effective
from agent.policy.activation import Effective  # noqa: TC001 - msgspec resolves it
from agent.policyfile import Holding
from agent.rolestatus import Tried
from checks.errors import HygieneError, PolicyError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.roles.base import Base
    from agent.settings import Settings

_T = TypeVar("_T")
FILE: Final = "policy"
"""The name of the snapshot."""
TURN: Final = 0.25
"""Seconds between two looks at what is published."""
_LONGEST: Final = 500
"""Letters of a reason, which repeats what people wrote."""
_NOWHERE: Final = Path("/nonexistent")
"""What a policy of the store would name files beside, if it were believed when it names any."""


class Offered(msgspec.Struct, frozen=True):
    """What the courier publishes. active: to work by, None for what the host has itself."""

    active: Effective | None = None
    tried: Effective | None = None


def place(settings: Settings) -> Path:
    """Give where the courier publishes what it pulled."""
    return Path(powers.published(settings, "courier")) / FILE


def own(settings: Settings) -> Holding:
    """Give the host's own policy; raises PolicyError."""
    return policyfile.holding(Path(settings.policy) if settings.policy else None)


def shown(settings: Settings) -> Effective:
    """Give the policy that holds on this host by what is published; raises PolicyError."""
    path = place(settings)
    offered = snapshot.read(path, Offered) if settings.store.url else None
    if settings.store.url and offered is None:
        raise PolicyError(f"{path}: cannot be read, or nothing was published yet")
    if offered is not None and offered.active is not None:
        return offered.active
    return effective.own(own(settings).policy, settings.policy)


class InForce(Generic[_T]):
    """Follows the policy for one role. The role's BUILD makes of one what it works with."""

    def __init__(self, base: Base, build: Callable[[Holding], _T]) -> None:
        """Nothing is read yet."""
        self._base, self._build = base, build
        self._mark: snapshot.Mark | None = None
        self._offered = Offered()
        self._due = 0.0
        self._built: tuple[str, _T] | None = None
        """What was made of the policy that was tried last, by its hash."""

    def pause(self, most: float) -> float:
        """Give for how many seconds a role may wait until its next turn; most: without a store."""
        return min(most, TURN) if self._base.settings.store.url else most

    def first(self) -> _T:
        """Give what the role begins with: of the policy that holds, or else of the host's own.

        Raises HygieneError where not even that can be used.
        """
        self._offered = self._read()
        try:
            holding = self._holding(self._offered.active)
            made = self._build(holding)
        except HygieneError as error:
            if self._offered.active is None:
                raise
            self._refused(error)
            holding = own(self._base.settings)
            made = self._build(holding)
        self._base.working.by(holding.policy)
        self._mark = None  # what is to be tried is tried at the first turn
        return made

    def turn(self) -> _T | None:
        """Give what the role is to work with from now on, None while nothing changed."""
        asked = self._base.reloading
        now = time.monotonic()
        if not asked and (not self._base.settings.store.url or now < self._due):
            return None
        self._due = now + TURN
        self._base.reloading = False
        if not asked and snapshot.mark(place(self._base.settings)) == self._mark:
            return None
        before, self._offered = self._offered, self._read()
        if self._offered.tried is not None:
            self._try(self._offered.tried)
        if not asked and _hash(before.active) == _hash(self._offered.active):
            return None
        return self._switched()

    def _switched(self) -> _T | None:
        active = self._offered.active
        try:
            holding = self._holding(active)
            if active is not None and self._built and self._built[0] == active.sha256:
                made = self._built[1]
            else:
                made = self._build(holding)
        except (HygieneError, OSError) as error:
            self._refused(error)
            self._base.tell("policy refused, the one before holds on", _shown(error))
            return None
        self._built = None
        self._base.faults.pop("policy", None)
        self._base.working.by(holding.policy)
        self._base.say()
        return made

    def _try(self, tried: Effective) -> None:
        """See whether a policy can be used, and say so at once."""
        why = ""
        self._base.say()  # who does not outlive the trial has begun, and the courier counts that
        try:
            self._built = (tried.sha256, self._build(self._holding(tried)))
        except (HygieneError, OSError) as error:
            why = _shown(error)
        self._base.tried = Tried(sha256=tried.sha256, why=why)
        self._base.say()

    def _refused(self, error: Exception) -> None:
        """Say what is wrong with the policy that holds."""
        why = self._base.faults["policy"] = _shown(error)
        if self._offered.active is not None:
            self._base.tried = Tried(sha256=self._offered.active.sha256, why=why)
        self._base.say()

    def _holding(self, told: Effective | None) -> Holding:
        if told is None:
            return own(self._base.settings)
        return Holding(effective.policy_of(told), _NOWHERE)

    def _read(self) -> Offered:
        if not self._base.settings.store.url:
            return Offered()
        path = place(self._base.settings)
        self._mark = snapshot.mark(path)
        offered = snapshot.read(path, Offered)
        if offered is None and self._mark is not None:
            self._base.faults["published policy"] = f"{path}: damaged, the one before holds on"
        else:
            self._base.faults.pop("published policy", None)
        return offered or self._offered


def _shown(error: Exception) -> str:
    return printable(str(error), longest=_LONGEST)


def _hash(told: Effective | None) -> str:
    return told.sha256 if told else ""
