"""Keep one key fresh: get it, check it, deliver it, have it taken up, prove it, or put back. EDGE.

Whatever goes wrong after something was delivered, the one before is delivered again and taken up
again, so that what a server serves is always a whole object that was once right.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from agent.vault import advice
from agent.vault.errors import VaultError
from agent.vault.material import Material, MaterialError
from agent.vault.places import Places
from agent.vault.planning import Failure, Plan
from agent.vault.record import Record, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.deliver import Delivery
    from agent.keysettings import KeySettings, Prove
    from agent.vault.got import Got
    from agent.vault.material import Values
    from agent.vault.sources import Source


_BACK: Final = 60.0
"""Seconds by which a clock may be set back without anything being planned anew."""
_ASTRAY: Final = 5.0
"""Seconds for which a place may be without what it was given before that is told."""


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
        self.what = Failure(fault, why)


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
        self._told, self._parts, self._places = told, parts, Places(parts.deliveries)
        self._plan = Plan(parts.host, parts.name, parts.every)
        self._source = hashlib.sha256(msgspec.json.encode(told.source)).hexdigest()
        self.record = record if held is not None else Record(name=parts.name)
        if self.record.source != self._source:  # what it had is from elsewhere
            self.record = msgspec.structs.replace(self.record, version="", due=0.0)
        self._held = held
        self._begun = self._unsettled = False
        self._last, self._astray, self._wrong = 0.0, math.inf, ""

    def close(self) -> None:
        """Give back what would live on in Vault with nobody to use it."""
        with contextlib.suppress(VaultError):
            self._parts.source.release()

    @property
    def held(self) -> Material | Values | None:
        """What is served now."""
        return self._held

    @property
    def warnings(self) -> list[str]:
        """What is not as it should be where it is delivered, and no error."""
        return [said for one in self._parts.deliveries for said in one.warnings()]

    def hurry(self) -> None:
        """Ask Vault at the next turn."""
        self.record = msgspec.structs.replace(self.record, due=0.0)

    def rotate(self, now: float) -> None:
        """Get another one now, whether or not it is due; what fails is tried again as always."""
        self._parts.source.anew()
        self.hurry()
        self.turn(now)

    def turn(self, now: float) -> bool:
        """Do what is due; gives whether anything was. Raises nothing that a part can."""
        self._replan(now)
        self._repeat(now)
        if is_due := now >= self.record.due:
            self._look(now)
            if self._unsettled:
                self._put_back(now)
        self._tell_places(now)
        return is_due

    def _look(self, now: float) -> None:
        """Ask Vault, and go on with what it gives."""
        began = time.monotonic()
        try:
            got = self._parts.source.get(self.record.version, now)
        except VaultError as error:
            took = time.monotonic() - began  # perhaps as long as the wait
            self._failed(Failure(advice.AWAY, str(error), error.after, error.asked), now + took)
        except MaterialError as error:
            self._failed(Failure(advice.UNFIT, str(error)), now)
        else:
            if got is None:
                self.record = self._plan.unchanged(self.record, now)
            elif self._held is not None and got.version == self.record.version:
                self.record = self._plan.longer(self.record, got, now)
            else:
                self._next(got, now)

    def _replan(self, now: float) -> None:
        """Ask now where the moment to ask was found by a clock that may have been wrong.

        It was set back since; or that was before a start, and the moment is not the key's own.
        """
        back, self._last = now < self._last - _BACK, now
        planned = self.record.failures or self.record.due > now + self._parts.every
        if back or (planned and not self._begun):
            self.hurry()

    def _repeat(self, now: float) -> None:
        """Deliver again what a receiver has in memory alone and lost since.

        After a start all of it: receivers do not know this process, and it does not know them.
        """
        anew, self._begun = not self._begun, True
        if self._held is None:
            return
        self._wrong, lost = self._places.repeat(self._held, anew=anew)
        self._astray = min(self._astray, now) if self._wrong else math.inf
        if lost and not anew:
            self._settle(self._held, now)

    def _settle(self, what: Material | Values, now: float) -> None:
        """Have what was lost taken up again, if its server turned to something else meanwhile."""
        prove = self._told.prove
        if not prove or not isinstance(what, Material):
            return
        if self._parts.hands.served(prove, what.sha256):
            try:
                self._take_up(what)
            except _FailedError as failed:
                self._unsettled = True
                self._failed(failed.what, now)

    def _tell_places(self, now: float) -> None:
        """Tell of a place that stays without what it was given, where nothing else is wrong."""
        if self._held is None or self.record.failures:
            return
        told = self.record.state is State.FAILED  # of what is served only a place says so
        if self._wrong and (told or now - self._astray > _ASTRAY):
            self._tell(State.FAILED, advice.UNDELIVERED, self._wrong)
        elif told and not self._wrong:
            self._tell(State.SERVED, "", "")

    def _tell(self, state: State, fault: str, why: str) -> None:
        self.record = msgspec.structs.replace(self.record, state=state, fault=fault, why=why)

    def _next(self, got: Got, now: float) -> None:
        """Serve what is new, or go on with what is not."""
        try:
            self._check(got, now)
            self._serve(got.what)
        except _FailedError as failed:
            self._failed(failed.what, now)
            return
        self._held, self._wrong = got.what, ""
        proven = self._told.prove is not None
        self.record = self._plan.served(self._source, got, now, proven=proven)

    def _check(self, got: Got, now: float) -> None:
        if isinstance(got.what, Material) and (wrong := got.what.faults(self._parts.names, now)):
            raise _FailedError(advice.UNFIT, "; ".join(wrong))

    def _serve(self, what: Material | Values) -> None:
        """Deliver, have it taken up and prove it; raises _FailedError."""
        self._unsettled = True
        if why := self._places.give(what):
            raise _FailedError(advice.UNDELIVERED, why)
        self._take_up(what)
        self._unsettled = False

    def _take_up(self, what: Material | Values) -> None:
        told, hands = self._told, self._parts.hands
        if told.action and (why := hands.act(told.action)):
            raise _FailedError(advice.NOT_TAKEN_UP, f"{told.action}: {why}")
        if told.prove is None or not isinstance(what, Material):
            return
        if why := hands.served(told.prove, what.sha256):
            raise _FailedError(advice.NOT_SERVED, f"{told.prove.address}: {why}")

    def _put_back(self, now: float) -> None:
        """Deliver the one before, and have it taken up; where that fails, again at the next look.

        The first one stays where it is: its server may be waiting for it to be started at all.
        """
        if self._held is None:
            return
        why, _ = self._places.repeat(self._held, anew=True)
        wrong = Failure(advice.UNDELIVERED, why) if why else None
        try:
            self._take_up(self._held)
        except _FailedError as failed:
            wrong = failed.what
        self._unsettled = wrong is not None
        if wrong and not self.record.fault:  # else what failed first is what is told
            self._failed(wrong, now)

    def _failed(self, what: Failure, now: float) -> None:
        self.record = self._plan.failed(self.record, what, now, held=self._held is not None)
