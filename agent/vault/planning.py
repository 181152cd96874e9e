"""Say how a key stands after a look at Vault, and when the next one is. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from agent.vault import lease
from agent.vault.material import Material
from agent.vault.record import Record, State

if TYPE_CHECKING:
    from agent.vault.got import Got


class Failure(NamedTuple):
    """What went wrong. fault: its check id; why: in words; after: seconds Vault asked to wait.

    asked: whether Vault was asked at all.
    """

    fault: str
    why: str
    after: float = 0.0
    asked: bool = True


class Plan(NamedTuple):
    """By what the looks of one key are planned. every: seconds between two, infinite by its life.

    All times are seconds since 1970.
    """

    host: str
    name: str
    every: float

    def served(self, source: str, got: Got, now: float, *, proven: bool) -> Record:
        """Give the record of what was got from SOURCE and is served from now on."""
        return Record(
            name=self.name,
            state=State.SERVED,
            source=source,
            version=got.version,
            sha256=got.what.sha256 if isinstance(got.what, Material) else "",
            begins=got.begins,
            ends=_finite(got.ends),
            got=now,
            proven=now if proven else 0.0,
            due=self._due(got, now),
        )

    def unchanged(self, record: Record, now: float) -> Record:
        """Give the record of a key of which there is nothing newer."""
        state = State.SERVED if record.state is State.KEPT else record.state
        due = lease.look(self.host, self.name, self.every, now)
        return _well(msgspec.structs.replace(record, state=state, due=due))

    def longer(self, record: Record, got: Got, now: float) -> Record:
        """Give the record of a key of which what is served is good for longer than it was."""
        return _well(
            msgspec.structs.replace(
                record,
                state=State.SERVED,
                begins=got.begins,
                ends=_finite(got.ends),
                due=self._due(got, now),
            )
        )

    def failed(self, record: Record, what: Failure, now: float, *, held: bool) -> Record:
        """Give the record of a key that could not be had, or served; held: the one before is."""
        failures = max(record.failures + what.asked, 1)
        left = (record.ends or math.inf) - now
        # Who did not ask has waited long enough by then.
        tries = lease.counted(failures, left) if what.asked else 1
        return msgspec.structs.replace(
            record,
            state=State.KEPT if held else State.FAILED,
            failures=failures,
            fault=what.fault,
            why=what.why,
            due=lease.again(self.host, self.name, tries, now, what.after),
        )

    def _due(self, got: Got, now: float) -> float:
        if self.every < math.inf:
            return lease.look(self.host, self.name, self.every, now)
        if got.ends == math.inf:
            return math.inf
        return lease.renewal(self.host, self.name, max(got.begins, 0.0), got.ends, now)


def _well(record: Record) -> Record:
    return msgspec.structs.replace(record, failures=0, fault="", why="")


def _finite(ends: float) -> float:
    return ends if ends < math.inf else 0.0
