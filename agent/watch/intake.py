"""Take in what a look at a file gave: findings, index, keys, gaps; all of it or nothing. EDGE."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import bounds, readers
from agent.findings import Look
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.watch.index import UNSETTLED, Index, stamp
from agent.watch.keyring import Keyring
from checks import suppress
from checks.model import Inconclusive
from checks.scanned import Result

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.ledger import Ledger
    from agent.readers import Read
    from agent.watch.coverage import Coverage
    from checks.model import Finding, Suppressed
    from checks.policy import Waiver
    from checks.secrets.keyfaults import Fault

_JOIN: Final = 2.0
_AGAIN: Final = frozenset((bounds.CRASHED, readers.SPOILED))
"""What need not be the file's fault: the next sweep tries again."""
_KEYS: Final = "keys"
"""The subject of findings about several files."""


class Rules(NamedTuple):
    """What findings are weighed by. fault: makes findings of a fault of a key."""

    waivers: tuple[Waiver, ...]
    today: Callable[[], datetime.date]
    fault: Callable[[str, str, Fault, Result], None]


class Intake:
    """Writes down what was seen. Everything but `join` belongs into a transaction of its caller."""

    def __init__(self, ledger: Ledger, coverage: Coverage, rules: Rules) -> None:
        """Use a role's state file."""
        self._ledger, self._coverage, self._rules = ledger, coverage, rules
        self.index = Index(ledger.base)
        self.keys = Keyring(ledger.base)
        self._next_join = self._idle_join = 0.0
        self.looked = 0

    def finish(self, read: Read, result: Result, *, fresh: bool) -> bool:
        """Take in what a reader found; False where the file changed meanwhile: look again.

        fresh: it had changed just before it was read, so that another change may look the same.
        """
        self.looked += 1
        then, now = stamp(read.status), time.time()
        try:
            same = stamp(os.lstat(read.path)) == then
        except OSError:
            same = False
        try:
            self._take(read.path, result, now, whole=same and not result.inconclusive)
        except (OverflowError, UnicodeError):  # nothing that a reader says by itself
            result = Result(inconclusive=[Inconclusive(read.path, readers.SPOILED)])
            self._take(read.path, result, now, whole=False)
        failed = any(one.reason in _AGAIN for one in result.inconclusive)
        # Whatever has findings is in the index, so that it is missed when it is gone after a crash.
        self.index.put(read.path, UNSETTLED if fresh or failed or not same else then)
        return same

    def _take(self, path: str, result: Result, now: float, *, whole: bool) -> None:
        self._ledger.observe(path, Look(*self._weighed(result), conclusive=whole), now)
        if whole:
            self.keys.take(path, result)
            self._coverage.close(path, "look", now)
        elif result.inconclusive:
            self._coverage.open(path, why(result.inconclusive[0]), now, now)

    def gone(self, path: str) -> None:
        """Take in that there is no such file any more, or none that is watched."""
        now = time.time()
        self._ledger.observe(path, Look(), now)
        self.index.drop(path)
        self.keys.take(path, None)
        self._coverage.close(path, "gone", now)

    def blind(self, path: str, reason: str) -> None:
        """Take in that a file or folder cannot be seen, or not as it should be."""
        now = time.time()
        self._coverage.open(path, reason, now, now)

    def join(self, now: float, *, idle: bool) -> None:
        """Judge keys beside each other where any changed: when all is done, or after a while.

        now: of a clock that does not go back. The more keys there are, the longer the while.
        """
        if not self.keys.changed or now < (self._idle_join if idle else self._next_join):
            return
        result = bounds.blank()
        try:
            for path, spki, fault in self.keys.faults():
                self._rules.fault(path, spki, fault, result)
            self._ledger.observe(_KEYS, Look(*self._weighed(result)), time.time())
        except (LedgerError, SQLITE_ERROR):
            self.keys.changed = True
        took = time.monotonic() - now
        self._idle_join = now + 20 * took
        self._next_join = now + max(_JOIN, 50 * took)

    def _weighed(self, result: Result) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
        """Part what counts from what a waiver or a mark suppresses."""
        waivers, today = self._rules.waivers, self._rules.today()
        findings, waived = suppress.waive(result.findings, waivers, today)
        return tuple(findings), (*result.suppressed, *waived)


def why(one: Inconclusive) -> str:
    """Say in one line why something was not looked at."""
    return f"{one.reason}: {one.detail}" if one.detail else one.reason
