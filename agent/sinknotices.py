"""Say what has to be reported of the sinks: away, back, refusing, damage met. Pure.

A report about a sink goes to that very sink too, so each kind is told once an hour at the most: a
sink that refuses everything must not be given more and more to refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.courier import Progress

AWAY: Final = 300.0
"""Seconds after which a sink that fails is reported, and again when it is back."""
AGAIN: Final = 3600.0


class Notice(NamedTuple):
    """What happened, and to which sink and why."""

    state: str
    detail: str


class Notices:
    """What was told of the sinks already."""

    def __init__(self) -> None:
        self._failing: dict[str, float] = {}
        self._away: set[str] = set()
        self._told: dict[tuple[str, str], tuple[int, float]] = {}

    def of(self, sinks: Iterable[Progress], now: float) -> list[Notice]:
        """Give what is new. now: seconds of a clock that never goes back."""
        return [
            notice
            for one in sinks
            for notice in (*self._absence(one, now), *self._counted(one, now))
        ]

    def _absence(self, one: Progress, now: float) -> Iterator[Notice]:
        if one.failing:
            since = self._failing.setdefault(one.name, now)
            if now - since > AWAY and one.name not in self._away:
                self._away.add(one.name)
                yield Notice("sink away", f"{one.name}: {one.failing}")
            return
        self._failing.pop(one.name, None)
        if one.name in self._away:
            self._away.discard(one.name)
            yield Notice("sink back", one.name)

    def _counted(self, one: Progress, now: float) -> Iterator[Notice]:
        if more := self._more(one, "refused", one.refused, now):
            yield Notice("events refused", f"{one.name}: {more}, {one.refusal}")
        if more := self._more(one, "damaged", one.damaged, now):
            yield Notice("journal damaged", f"{one.name}: {more} places or records left out")

    def _more(self, one: Progress, what: str, count: int, now: float) -> int:
        """Give how many there are more than were told, 0 where it is not time to tell."""
        before, at = self._told.get((one.name, what), (0, -AGAIN))
        if count <= before or now - at < AGAIN:
            return 0
        self._told[one.name, what] = count, now
        return count - before
