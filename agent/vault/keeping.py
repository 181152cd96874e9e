"""Keep one key fresh: get it, check it, deliver it, have it taken up, prove it, or put back. EDGE.

Whatever goes wrong after something was delivered, the one before is delivered again and taken up
again, so that what a server serves is always a whole object that was once right.
"""

from __future__ import annotations

import contextlib
import json
import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from agent.deliver import DeliveryError
from agent.vault import advice, lease
from agent.vault.errors import VaultError
from agent.vault.material import Material, MaterialError
from agent.vault.record import Record, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.deliver import Delivery
    from agent.keysettings import KeySettings, Prove
    from agent.vault.got import Got
    from agent.vault.material import Values
    from agent.vault.sources import Source


class Hands(Protocol):
    """What others do for the keeper."""

    def act(self, action: str) -> str:
        """Have an allowed action done; gives why it could not be, "" if it was."""

    def served(self, prove: Prove, sha256: str) -> str:
        """Have a handshake made until that certificate is served; gives why it is not, "" if so."""


class _FailedError(Exception):
    """What was got cannot be served."""

    def __init__(self, fault: str, why: str) -> None:
        super().__init__(why)
        self.fault, self.why = fault, why


def handed(what: Material | Values) -> Material | bytes:
    """Give what deliveries take: of values JSON, since a reader has to tell them apart."""
    return what if isinstance(what, Material) else json.dumps(dict(what.fields)).encode()


class Parts(NamedTuple):
    """What one key is kept by. names: which it has to be for; every: seconds between two looks."""

    name: str
    host: str
    source: Source
    deliveries: Sequence[Delivery]
    hands: Hands
    names: tuple[str, ...]
    every: float


class Keeping:
    """One key."""

    def __init__(
        self, told: KeySettings, parts: Parts, record: Record, held: Material | Values | None
    ) -> None:
        """Go on where RECORD says; held: what is served now, where that is still there."""
        self._told, self._parts = told, parts
        self.record = record if held is not None else Record(name=parts.name)
        self._held = held

    def close(self) -> None:
        """Give back what would live on in Vault with nobody to use it."""
        with contextlib.suppress(VaultError):
            self._parts.source.release()

    @property
    def held(self) -> Material | Values | None:
        """What is served now."""
        return self._held

    def hurry(self) -> None:
        """Ask Vault at the next turn."""
        self.record = msgspec.structs.replace(self.record, due=0.0)

    def turn(self, now: float) -> bool:
        """Do what is due; gives whether anything was. Raises nothing that a part can."""
        self._repeat()
        if now < self.record.due:
            return False
        try:
            got = self._parts.source.get(self.record.version, now)
        except VaultError as error:
            self._failed(advice.AWAY, str(error), now, error.after)
            return True
        except MaterialError as error:
            self._failed(advice.UNFIT, str(error), now)
            return True
        if got is None:
            self._unchanged(now)
        elif self._held is not None and got.version == self.record.version:
            self._longer(got, now)
        else:
            self._next(got, now)
        return True

    def _repeat(self) -> None:
        """Deliver again what a receiver has in memory alone and lost since."""
        if self._held is None:
            return
        with contextlib.suppress(DeliveryError, _FailedError):  # told when there is something new
            if any(delivery.lost() for delivery in self._parts.deliveries):
                self._publish(self._held)

    def _next(self, got: Got, now: float) -> None:
        """Serve what is new, or go on with what is not."""
        try:
            self._check(got, now)
            self._serve(got.what)
        except _FailedError as failed:
            self._failed(failed.fault, failed.why, now)
            return
        self._held = got.what
        self.record = Record(
            name=self._parts.name,
            state=State.SERVED,
            version=got.version,
            sha256=got.what.sha256 if isinstance(got.what, Material) else "",
            begins=got.begins,
            ends=got.ends if got.ends < math.inf else 0.0,
            got=now,
            proven=now if self._told.prove else 0.0,
            due=self._due(got, now),
        )

    def _check(self, got: Got, now: float) -> None:
        if isinstance(got.what, Material) and (wrong := got.what.faults(self._parts.names, now)):
            raise _FailedError(advice.UNFIT, "; ".join(wrong))

    def _serve(self, what: Material | Values) -> None:
        """Deliver, have it taken up and prove it; else put back what was there. Raises."""
        try:
            self._publish(what)
            self._take_up(what)
        except _FailedError:
            self._put_back()
            raise

    def _publish(self, what: Material | Values) -> None:
        for delivery in self._parts.deliveries:
            try:
                delivery.publish(handed(what))
            except DeliveryError as error:
                raise _FailedError(advice.UNDELIVERED, str(error)) from error

    def _take_up(self, what: Material | Values) -> None:
        told, hands = self._told, self._parts.hands
        if told.action and (why := hands.act(told.action)):
            raise _FailedError(advice.NOT_TAKEN_UP, f"{told.action}: {why}")
        if told.prove is None or not isinstance(what, Material):
            return
        if why := hands.served(told.prove, what.sha256):
            raise _FailedError(advice.NOT_SERVED, f"{told.prove.address}: {why}")

    def _put_back(self) -> None:
        """Deliver the one before, and have it taken up.

        The first one stays where it is: its server may be waiting for it to be started at all.
        """
        if self._held is not None:
            with contextlib.suppress(_FailedError):  # what failed first is what is told
                self._publish(self._held)
                self._take_up(self._held)

    # When it is next

    def _due(self, got: Got, now: float) -> float:
        parts = self._parts
        renewal = math.inf
        if got.ends < math.inf:
            renewal = lease.renewal(parts.host, parts.name, max(got.begins, 0.0), got.ends)
        looked = lease.look(parts.host, parts.name, parts.every, now)
        due = min(renewal, looked) if parts.every < math.inf else renewal
        return max(due, now + 1.0)

    def _unchanged(self, now: float) -> None:
        parts = self._parts
        state = State.SERVED if self.record.state is State.KEPT else self.record.state
        self.record = msgspec.structs.replace(
            self.record,
            state=state,
            due=lease.look(parts.host, parts.name, parts.every, now),
            failures=0,
            fault="",
            why="",
        )

    def _longer(self, got: Got, now: float) -> None:
        """Keep that what is served is good for longer than it was."""
        self.record = msgspec.structs.replace(
            self.record,
            state=State.SERVED,
            begins=got.begins,
            ends=got.ends if got.ends < math.inf else 0.0,
            due=self._due(got, now),
            failures=0,
            fault="",
            why="",
        )

    def _failed(self, fault: str, why: str, now: float, after: float = 0.0) -> None:
        failures = self.record.failures + 1
        parts = self._parts
        self.record = msgspec.structs.replace(
            self.record,
            state=State.FAILED if self._held is None else State.KEPT,
            failures=failures,
            fault=fault,
            why=why,
            due=lease.again(parts.host, parts.name, failures, now, after),
        )
