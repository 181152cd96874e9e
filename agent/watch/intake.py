"""Take in what a look at a file gave: findings, index, keys, gaps; all of it or nothing. EDGE."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import bounds
from agent.findings import Look
from agent.ledger import LedgerError
from agent.watch.index import UNSETTLED, Index, stamp
from agent.watch.keyring import Keyring
from checks import suppress

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.ledger import Ledger
    from agent.readers import Read
    from agent.watch.coverage import Coverage
    from checks.model import Finding, Inconclusive, Suppressed
    from checks.policy import Waiver
    from checks.scan import Result
    from checks.secrets.keyfaults import Fault

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
        self._keys = Keyring(ledger.base)
        self.looked = 0

    def finish(self, read: Read, result: Result) -> bool:
        """Take in what a reader found; False where the file changed meanwhile: look again."""
        self.looked += 1
        then, now = stamp(read.status), time.time()
        try:
            same = stamp(os.lstat(read.path)) == then
        except OSError:
            same = False
        whole = same and not result.inconclusive
        self._ledger.observe(read.path, Look(*self._weighed(result), conclusive=whole), now)
        # Whatever has findings is in the index, so that it is missed when it is gone after a crash.
        self.index.put(read.path, then if same else UNSETTLED)
        if whole:
            self._keys.take(read.path, result)
            self._coverage.close(read.path, "look", now)
        elif result.inconclusive:
            self._coverage.open(read.path, why(result.inconclusive[0]), now, now)
        return same

    def gone(self, path: str) -> None:
        """Take in that there is no such file any more, or none that is watched."""
        now = time.time()
        self._ledger.observe(path, Look(), now)
        self.index.drop(path)
        self._keys.take(path, None)
        self._coverage.close(path, "gone", now)

    def blind(self, path: str, reason: str) -> None:
        """Take in that a file or folder cannot be seen, or not as it should be."""
        now = time.time()
        self._coverage.open(path, reason, now, now)

    def join(self) -> None:
        """Judge keys beside each other where any changed."""
        if not self._keys.changed:
            return
        result = bounds.blank()
        for path, spki, fault in self._keys.faults():
            self._rules.fault(path, spki, fault, result)
        try:
            self._ledger.observe(_KEYS, Look(*self._weighed(result)), time.time())
        except LedgerError:
            self._keys.changed = True

    def _weighed(self, result: Result) -> tuple[tuple[Finding, ...], tuple[Suppressed, ...]]:
        """Part what counts from what a waiver or a mark suppresses."""
        waivers, today = self._rules.waivers, self._rules.today()
        findings, waived = suppress.waive(result.findings, waivers, today)
        return tuple(findings), (*result.suppressed, *waived)


def why(one: Inconclusive) -> str:
    """Say in one line why something was not looked at."""
    return f"{one.reason}: {one.detail}" if one.detail else one.reason
