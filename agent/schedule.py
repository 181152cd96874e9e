"""When each endpoint is asked again: cheaply and often, whole when changed, and daily. Pure.

Where policy wants it, one endpoint of each listener is also looked at deeply, now and then: one at
a time on the whole host.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from random import Random


class Kind(enum.Enum):
    """How an endpoint is asked."""

    DEEP = "deep"
    """As a whole, and by attempts at known attacks."""
    WHOLE = "whole"
    FINGERPRINT = "fingerprint"


_ORDER: Final = (Kind.WHOLE, Kind.DEEP, Kind.FINGERPRINT)
_FIRST: Final = 7
"""The first deep look comes within this part of the time between two."""


class Due(NamedTuple):
    """An endpoint that is to be asked, by its key."""

    key: str
    kind: Kind


class _Plan:
    def __init__(self, whole: float, fingerprint: float) -> None:
        self.whole, self.fingerprint = whole, fingerprint
        self.deep = math.inf
        self.asking = False

    def due(self, now: float, *, deeply: bool) -> Kind | None:
        """Say how the endpoint is to be asked now. deeply: whether nobody else is asked so."""
        if self.asking:
            return None
        if deeply and self.deep <= now:
            return Kind.DEEP
        if self.whole <= now:
            return Kind.WHOLE
        return Kind.FINGERPRINT if self.fingerprint <= now else None


class Schedule:
    """The times of all endpoints. Clock: seconds, of any clock that does not go back."""

    def __init__(self, fingerprint: float, whole: float, deep: float, rng: Random) -> None:
        """Keep how many seconds lie between two of each kind, give or take a tenth."""
        self._fingerprint, self._whole, self._deep, self._rng = fingerprint, whole, deep, rng
        self._plans: dict[str, _Plan] = {}
        self._deeply = ""
        """The endpoint that is being looked at deeply."""

    def keep(self, keys: Iterable[str], now: float) -> None:
        """Take in which endpoints there are, and no others; new ones are due at once."""
        present = set(keys)
        for key in [key for key in self._plans if key not in present]:
            del self._plans[key]
        for key in sorted(present - set(self._plans)):
            self._plans[key] = _Plan(now, now + self._soon(self._fingerprint))

    def known(self, key: str, looked: float, now: float) -> None:
        """Take in that an endpoint was looked at as a whole before, so many seconds ago."""
        plan = self._plans[key]
        plan.whole = now + max(self._soon(self._whole) - looked, 0.0)
        plan.fingerprint = now

    def deepen(self, looked: Mapping[str, float | None], now: float) -> None:
        """Take in which endpoints are to be looked at deeply, and how many seconds ago each was.

        One that never was comes soon, at any time of a seventh of what lies between two looks.
        """
        for key, plan in self._plans.items():
            if key not in looked:
                plan.deep = math.inf
            elif plan.deep == math.inf:
                ago = looked[key]
                first = self._deep / _FIRST * self._rng.random()
                wait = first if ago is None else max(self._soon(self._deep) - ago, first)
                plan.deep = now + wait

    def due(self, now: float) -> list[Due]:
        """Give what is to be asked now, whole looks first; it is not due again until `done`."""
        found = []
        for key, plan in self._plans.items():
            kind = plan.due(now, deeply=not self._deeply)
            if kind is None:
                continue
            if kind is Kind.DEEP:
                self._deeply = key
            found.append(Due(key, kind))
            plan.asking = True
        return sorted(found, key=lambda one: _ORDER.index(one.kind))

    def done(self, due: Due, now: float) -> None:
        """Take in that an endpoint was asked, as what was due says or more."""
        if due.key == self._deeply:
            self._deeply = ""
        plan = self._plans.get(due.key)
        if plan is None:
            return
        plan.asking = False
        plan.fingerprint = now + self._soon(self._fingerprint)
        if due.kind is not Kind.FINGERPRINT:
            plan.whole = now + self._soon(self._whole)
        if due.kind is Kind.DEEP:
            plan.deep = now + self._soon(self._deep)

    def hurry(self, keys: Iterable[str], now: float) -> None:
        """Have endpoints looked at as a whole now, since something about them changed."""
        for key in keys:
            if key in self._plans:
                self._plans[key].whole = now

    def wait(self, now: float) -> float | None:
        """Give the seconds until something is due, None where nothing will be."""
        plans = [plan for plan in self._plans.values() if not plan.asking]
        times = [min(one.whole, one.fingerprint) for one in plans]
        if not self._deeply:
            times += [one.deep for one in plans]
        return max(min(times) - now, 0.0) if times else None

    def _soon(self, every: float) -> float:
        """Spread the times, so that a fleet does not ask all at once."""
        return every * (0.9 + 0.2 * self._rng.random())
