"""When each endpoint is asked again: cheaply and often, whole when changed, and daily. Pure."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random


class Kind(enum.Enum):
    """How an endpoint is asked."""

    WHOLE = "whole"
    FINGERPRINT = "fingerprint"


class Due(NamedTuple):
    """An endpoint that is to be asked, by its key."""

    key: str
    kind: Kind


class _Plan:
    def __init__(self, whole: float, fingerprint: float) -> None:
        self.whole, self.fingerprint = whole, fingerprint
        self.asking = False


class Schedule:
    """The times of all endpoints. Clock: seconds, of any clock that does not go back."""

    def __init__(self, fingerprint: float, whole: float, rng: Random) -> None:
        """Keep how many seconds lie between two of each kind, give or take a tenth."""
        self._fingerprint, self._whole, self._rng = fingerprint, whole, rng
        self._plans: dict[str, _Plan] = {}

    def keep(self, keys: Iterable[str], now: float) -> list[str]:
        """Take in which endpoints there are; new ones are due at once; give those that are gone."""
        present = set(keys)
        gone = [key for key in self._plans if key not in present]
        for key in gone:
            del self._plans[key]
        for key in sorted(present - set(self._plans)):
            self._plans[key] = _Plan(now, now + self._soon(self._fingerprint))
        return gone

    def known(self, key: str, looked: float, now: float) -> None:
        """Take in that an endpoint was looked at as a whole before, so many seconds ago."""
        plan = self._plans[key]
        plan.whole = now + max(self._soon(self._whole) - looked, 0.0)
        plan.fingerprint = now

    def due(self, now: float) -> list[Due]:
        """Give what is to be asked now, whole looks first; it is not due again until `done`."""
        found = []
        for key, plan in self._plans.items():
            if plan.asking:
                continue
            if plan.whole <= now:
                found.append(Due(key, Kind.WHOLE))
            elif plan.fingerprint <= now:
                found.append(Due(key, Kind.FINGERPRINT))
            else:
                continue
            plan.asking = True
        return sorted(found, key=lambda one: one.kind is not Kind.WHOLE)

    def done(self, due: Due, now: float) -> None:
        """Take in that an endpoint was asked."""
        plan = self._plans.get(due.key)
        if plan is None:
            return
        plan.asking = False
        plan.fingerprint = now + self._soon(self._fingerprint)
        if due.kind is Kind.WHOLE:
            plan.whole = now + self._soon(self._whole)

    def hurry(self, keys: Iterable[str], now: float) -> None:
        """Have endpoints looked at as a whole now, since something about them changed."""
        for key in keys:
            if key in self._plans:
                self._plans[key].whole = now

    def wait(self, now: float) -> float | None:
        """Give the seconds until something is due, None where nothing will be."""
        times = [min(p.whole, p.fingerprint) for p in self._plans.values() if not p.asking]
        return max(min(times) - now, 0.0) if times else None

    def _soon(self, every: float) -> float:
        """Spread the times, so that a fleet does not ask all at once."""
        return every * (0.9 + 0.2 * self._rng.random())
