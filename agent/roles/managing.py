"""Report where managed files differ from what policy approved, soon after they do. EDGE.

Looking and judging are done by a process of its own: what is in the files may be hostile.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from agent import managedlook
from agent.aside import Aside, AsideError
from agent.findings import Look
from agent.ledger import LedgerError
from agent.managedlook import Looked
from agent.marks import Marks
from checks import suppress

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.roles.base import Base
    from checks.policy import Policy

_SUBJECT: Final = "managed "
_FAULT: Final = "managed files"
_AGAIN: Final = 60.0
_AT_ONCE: Final = 500
_SOON: Final = 0.2


class Managing:
    """The managed files of a host, as one role reports them."""

    def __init__(
        self, base: Base, confine: Callable[[], None], clock: Callable[[], datetime.date]
    ) -> None:
        """Keep how the process that looks gives up its power; nothing is managed yet."""
        self._base, self._confine, self._clock = base, confine, clock
        self._marks = Marks(())
        self._waiting: dict[str, None] = {}
        self._asked: list[str] = []
        self._unseen: dict[str, str] = {}
        self._aside: Aside[Looked] | None = None
        self._policy: Policy | None = None

    def work_by(self, policy: Policy) -> None:
        """Manage what a policy says, and nothing that it says nothing of any more."""
        self.close()
        self._policy, self._marks, self._waiting = policy, Marks(policy.managed), {}
        self._unseen = {}
        self._blame("")
        try:
            for subject in list(self._base.ledger.subjects()):
                path = subject.removeprefix(_SUBJECT)
                if path != subject and path not in policy.managed:
                    self._base.ledger.observe(subject, Look(), time.time())
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def pause(self, most: float) -> float:
        """Give for how many seconds the role may wait; MOST where nothing is managed."""
        managed = self._policy is not None and self._policy.managed
        return min(most, _SOON) if managed else most

    def turn(self) -> None:
        """Look at what changed, and take in what came of it."""
        now = time.monotonic()
        self._waiting |= dict.fromkeys(self._marks.turn(now))
        try:
            if self._aside is not None:
                self._take(self._aside)
            elif self._waiting and self._policy is not None:
                self._asked = list(self._waiting)[:_AT_ONCE]
                look = partial(managedlook.look, self._asked, self._policy.managed)
                self._aside = Aside(self._confine, look, Looked)
                for path in self._asked:
                    del self._waiting[path]
        except (AsideError, LedgerError) as error:
            self._aside = None
            self._blame(str(error))
            for path in self._asked:
                self._marks.again(path, now + _AGAIN)

    def _take(self, aside: Aside[Looked]) -> None:
        looked = aside.take()
        if looked is None or self._policy is None:
            return
        self._aside = None
        for path, found in looked.found.items():
            self._unseen.pop(path, None)
            counted, waived = suppress.waive(found, self._policy.waivers, self._clock())
            look = Look(tuple(counted), tuple(waived))
            self._base.ledger.observe(_SUBJECT + path, look, time.time())
        for one in looked.unseen:
            self._unseen[one.path] = f"{one.path}: {one.reason} {one.detail}".rstrip()
            self._marks.again(one.path, time.monotonic() + _AGAIN)
        self._blame(next(iter(self._unseen.values()), ""))

    def _blame(self, why: str) -> None:
        """Have it known that something managed is not looked at, "" once all is."""
        self._base.faults.pop(_FAULT, None)
        if why:
            more = f", and {len(self._unseen) - 1} more" if len(self._unseen) > 1 else ""
            self._base.faults[_FAULT] = why + more

    def close(self) -> None:
        """End a look that goes on."""
        if self._aside is not None:
            self._aside.end()
            self._aside = None
