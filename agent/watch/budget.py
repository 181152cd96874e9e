"""Bound what is used over time, in all and by each owner. Pure: time is an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_OWNERS: Final = 10_000
_LONGEST: Final = 60.0
"""Seconds of its share that one file costs its owner at the most."""
_SPAN: Final = 10.0
"""Seconds in which no more processor time is used than a budget has for them."""
_BURST: Final = 0.5
"""Seconds whose processor time may be used at once."""
_DEBT: Final = 0.5
"""Seconds by which a rest may grow, since what happens is heard meanwhile."""
_MEASURE: Final = 0.02
"""Seconds between two measurements, each of which takes a ten-thousandth of one."""


class Bucket:
    """Tokens that come at a rate, up to what a burst may take; debts are paid by waiting.

    One item may be larger than the bucket: it is let through when the bucket is full, and what
    comes after it waits for longer.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """Begin full. rate: tokens a second."""
        self._rate, self._burst = rate, burst
        self._tokens, self._then = burst, now

    def wait(self, amount: float, now: float) -> float:
        """Give the seconds until an amount may be taken, 0 for at once. Nothing is taken."""
        self._fill(now)
        missing = min(amount, self._burst) - self._tokens
        return max(missing / self._rate, 0.0)

    def take(self, amount: float, now: float) -> None:
        """Take an amount, going into debt where there is not enough."""
        self._fill(now)
        self._tokens -= amount

    def full(self, now: float) -> bool:
        """Say whether nothing was taken lately."""
        self._fill(now)
        return self._tokens >= self._burst

    def _fill(self, now: float) -> None:
        gone = max(now - self._then, 0.0)  # a clock that went back gives nothing
        self._tokens = min(self._tokens + gone * self._rate, self._burst)
        self._then = now


class Shares:
    """One bucket for all, and one for each owner, so that nobody uses up what others need."""

    def __init__(self, rate: float, owner_rate: float, now: float) -> None:
        """Begin full; a burst may take what comes in four seconds."""
        self._all = Bucket(rate, 4 * rate, now)
        self._rate, self._owner_rate = rate, owner_rate
        self._owners: dict[int, Bucket] = {}

    def wait(self, owner: int, amount: float, now: float) -> float:
        """Give the seconds until an owner may have an amount, 0 for at once."""
        return max(self._all.wait(amount, now), self._of(owner, now).wait(amount, now))

    def take(self, owner: int, amount: float, now: float) -> None:
        """Take an amount for an owner, who alone bears what is more than a burst."""
        self._all.take(min(amount, 4 * self._rate), now)
        self._of(owner, now).take(min(amount, _LONGEST * self._owner_rate), now)

    def _of(self, owner: int, now: float) -> Bucket:
        if owner not in self._owners:
            if len(self._owners) >= _MOST_OWNERS:
                self._owners = {o: b for o, b in self._owners.items() if not b.full(now)}
            self._owners[owner] = Bucket(self._owner_rate, 4 * self._owner_rate, now)
        return self._owners[owner]


class Processor:
    """Processor time: what was used is measured, and paid for by resting.

    One item may take more than there is; then the rest after it is longer.
    """

    def __init__(self, percent: float, used: Callable[[], float], now: float) -> None:
        """Begin with a burst. percent: of one core, in any ten seconds; used: seconds so far."""
        rate = percent / 100 * _SPAN / (_SPAN + _BURST + _DEBT)
        self._bucket = Bucket(rate, rate * _BURST, now)
        self._used, self._before, self._measured = used, used(), now

    def rest(self, now: float) -> float:
        """Give the seconds to rest until there is processor time again, 0 where there is."""
        if now - self._measured >= _MEASURE:
            used = self._used()
            self._bucket.take(used - self._before, now)
            self._before, self._measured = used, now
        return self._bucket.wait(0, now)
