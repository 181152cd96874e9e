"""Wait until the keeper has delivered what was imported, and its server serves it. EDGE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from agent.requests import Prove
from agent.vault import askcommands
from agent.vault.record import State
from checks.errors import HygieneError
from checks.printable import printable

if TYPE_CHECKING:
    from agent.importing.taking import Plan
    from agent.settings import Settings

_PAUSE: Final = 1.0
_LONGEST: Final = 500


class LateError(HygieneError):
    """What was not delivered, or not served, in the time there was."""


def wait(told: Settings, what: Plan, version: int, seconds: float) -> None:
    """Wait until that version is delivered, and served if it is a key; raises LateError."""
    until = time.monotonic() + seconds
    while why := _missing(told, what, str(version)):
        if time.monotonic() > until:
            raise LateError(f"{printable(what.name)}: {why}")
        time.sleep(_PAUSE)


def _missing(told: Settings, what: Plan, version: str) -> str:
    """Say what is not there yet, "" for nothing."""
    record = askcommands.record(told, what.name)
    if record is None:
        return "the keeper does not know it: it reads its keys when it starts"
    if record.fault:
        return printable(f"{record.fault}: {record.why}", longest=_LONGEST)
    if record.state is not State.SERVED or record.version != version:
        return "the keeper has not delivered it"
    made = what.taken.made
    if made is None or (place := what.key.prove) is None:
        return ""
    seen = askcommands.served(told, Prove(address=place.address, name=place.name))
    return "" if seen == made.sha256 else f"{place.address} does not serve it"
