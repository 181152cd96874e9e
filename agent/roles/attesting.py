"""Report a host whose image is not attested as policy wants, where it wants that. EDGE.

Reading and judging are done by a process of its own: what is in the file may be hostile.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from agent import hostid
from agent.aside import Aside, AsideError
from agent.attest import hostlook
from agent.attest.hostlook import Looked
from agent.attest.trees import ATTESTATION
from agent.findings import Look
from agent.ledger import LedgerError
from agent.marks import Marks
from checks import suppress

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.roles.base import Base
    from checks.policy import Policy

_SUBJECT: Final = "image attestation"
_FAULT: Final = "attestation"
_AGAIN: Final = 60.0
_AGE: Final = 3600.0
"""Seconds between two looks at a file that does not change: an attestation grows old."""


class Attesting:
    """The attestation of a host's image, as one role reports it."""

    def __init__(
        self, base: Base, confine: Callable[[], None], clock: Callable[[], datetime.date]
    ) -> None:
        """Keep how the process that looks gives up its power; nothing is wanted yet."""
        self._base, self._confine, self._clock = base, confine, clock
        self._path = base.settings.host.attestation or ATTESTATION
        self._marks = Marks(())
        self._aside: Aside[Looked] | None = None
        self._policy: Policy | None = None

    def work_by(self, policy: Policy) -> None:
        """Want what a policy says; where that is nothing, all that was found is over."""
        self.close()
        self._policy, wanted = policy, policy.image.attested
        self._marks = Marks((self._path,) if wanted else ())
        try:
            if not wanted and _SUBJECT in self._base.ledger.subjects():
                self._base.ledger.observe(_SUBJECT, Look(), time.time())
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def turn(self) -> None:
        """Look when it is due, and take in what came of it."""
        now = time.monotonic()
        due = self._marks.turn(now)
        try:
            if self._aside is not None:
                self._take(self._aside)
            elif due and self._policy is not None:
                image = hostid.host(self._base.settings).image
                look = partial(hostlook.look, self._path, image, self._policy, time.time())
                self._aside = Aside(self._confine, look, Looked)
                self._marks.again(self._path, now + _AGE)
        except (AsideError, LedgerError) as error:
            self._aside = None
            self._base.faults[_FAULT] = str(error)
            self._marks.again(self._path, now + _AGAIN)

    def _take(self, aside: Aside[Looked]) -> None:
        looked = aside.take()
        if looked is None or self._policy is None:
            return
        self._aside = None
        self._base.faults.pop(_FAULT, None)
        counted, waived = suppress.waive(looked.found, self._policy.waivers, self._clock())
        look = Look(tuple(counted), tuple(waived))
        self._base.ledger.observe(_SUBJECT, look, time.time())

    def close(self) -> None:
        """End a look that goes on."""
        if self._aside is not None:
            self._aside.end()
            self._aside = None
