"""Which keys were asked to be got anew, and what came of it: who asks at once gets one. Pure.

Who asked before a rotation began has what came of it; who asked while it went on too, where that
brought a new object. Whoever asked later gets one of their own.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

from agent.vault.record import Record, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.requests import Rotate


class Outcome(NamedTuple):
    """What came of a rotation. began, ended: seconds since 1970; anew: there is a new object."""

    name: str
    began: float
    ended: float
    anew: bool
    done: bool
    said: str


class Rotations:
    """What is asked for and not told yet. records: what was got before this process began."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._last = {
            one.name: outcome(Record(name=one.name), one, one.got, one.got)
            for one in records
            if one.got and not one.fault
        }
        self._begun: set[str] = set()

    def told(self, asked: Rotate, now: float) -> Outcome | None:
        """Give what came of what was asked, None where that is not known yet."""
        last = self._last.get(asked.key)
        # Where the clock was set back, what was before says nothing.
        if last is None or last.ended > now:
            return None
        return last if min(asked.at, now) <= (last.ended if last.anew else last.began) else None

    def begin(self, key: str) -> bool:
        """Say whether the key is to be got now: not where that is under way."""
        fresh = key not in self._begun
        self._begun.add(key)
        return fresh

    def take(self, outcome: Outcome) -> None:
        """Take in what came of a rotation."""
        self._begun.discard(outcome.name)
        self._last[outcome.name] = outcome


def outcome(before: Record, after: Record, began: float, ended: float) -> Outcome:
    """Say what became of a key between two records of it."""
    anew = after.version != before.version
    if after.fault:
        kept = "the one before is served on" if after.state is State.KEPT else "nothing is served"
        said = f"not done: {after.fault}: {after.why}; {kept}; it is tried again"
    elif anew:
        said = f"delivered: {_shown(after)}"
    else:
        said = f"nothing newer: {_shown(after)}"
    return Outcome(after.name, began, ended, anew, not after.fault, said)


def _shown(record: Record) -> str:
    proven = ", proven to be served" if record.proven else ""
    which = f"sha256 {record.sha256[:16]}" if record.sha256 else f"version {record.version}"
    ends = datetime.datetime.fromtimestamp(record.ends, datetime.UTC)
    return which + (f", until {ends:%Y-%m-%d %H:%M} UTC" if record.ends else "") + proven
