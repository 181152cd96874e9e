"""Have findings count again from the day on which their waiver no longer holds. EDGE.

Nothing is looked at for that: what a role knows of a finding is all that a waiver goes by.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from checks import suppress

if TYPE_CHECKING:
    from agent.ledger import Ledger
    from checks.model import Finding, Suppression
    from checks.policy import Waiver


def today() -> datetime.date:
    """Give the day by which waivers hold or not, in UTC."""
    return datetime.datetime.now(datetime.UTC).date()


class Waivers:
    """The waivers that a role works by, and the day for which all it knows was weighed by them."""

    def __init__(self, ledger: Ledger) -> None:
        """Weigh what stands in a role's state file."""
        self._ledger = ledger
        self._waivers: tuple[Waiver, ...] = ()
        self._day: datetime.date | None = None

    def work_by(self, waivers: tuple[Waiver, ...]) -> None:
        """Take other waivers; what is known is weighed by them at the next turn."""
        self._waivers, self._day = waivers, None

    def turn(self, today: datetime.date, now: float) -> None:
        """Weigh all that is known, once for each day; raises LedgerError, and then does it again.

        today: in UTC; now: seconds since 1970.
        """
        if today == self._day:
            return

        def covered(finding: Finding) -> Suppression | None:
            _, waived = suppress.waive((finding,), self._waivers, today)
            return waived[0].suppression if waived else None

        self._ledger.weigh(covered, now)
        self._day = today
