"""Intervals in which changes may have gone unseen: opened, kept over restarts, closed. EDGE.

One gap a subject: a tree, a folder, a file, or the agent itself. Each is an event when it opens and
another when it is made up for. Where a further reason comes, the gap for the first one ends, and
one that reaches back as far goes on for the other: whoever counts sees both, with start and end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from agent.events import Gap, Kind
from agent.ledger import SQLITE_ERROR, LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.ledger import Ledger

_GOES_ON: Final = "another reason"
"""What ends a gap that goes on as another one."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS gaps (
    subject BLOB PRIMARY KEY, reason TEXT NOT NULL, started REAL NOT NULL
) WITHOUT ROWID
"""


class Coverage:
    """The gaps that are open."""

    def __init__(self, ledger: Ledger) -> None:
        """Use a role's state file, and make the table where it is missing."""
        self._ledger = ledger
        ledger.base.execute(_SCHEMA)
        self._later: list[Callable[[], None]] = []

    def __len__(self) -> int:
        """Give how many gaps are open."""
        [[count]] = self._ledger.base.execute("SELECT count(*) FROM gaps")
        return int(count)

    def open(self, subject: str, reason: str, started: float, now: float) -> None:
        """Open a gap; one that is open for the same reason goes on.

        Outside of a transaction what cannot be written down is kept for `retry`; within one it
        raises LedgerError, as all in there.
        """
        self._attempt(lambda: self._open(subject, reason, started, now))

    def close(self, subject: str, closed_by: str, now: float, missed: int = 0) -> None:
        """Close a gap, if there is one; as `open`."""
        self._attempt(lambda: self._close(subject, closed_by, now, missed))

    def retry(self) -> None:
        """Write down what could not be written before."""
        later, self._later = self._later, []
        for act in later:
            self._attempt(act)

    def _attempt(self, act: Callable[[], None]) -> None:
        if self._ledger.base.in_transaction:
            act()
            return
        try:
            act()
        except (LedgerError, SQLITE_ERROR):
            self._later.append(act)

    def _open(self, subject: str, reason: str, started: float, now: float) -> None:
        known = self._get(subject)
        if known is not None and known.reason == reason:
            return
        first = min(known.started, started, now) if known else min(started, now)
        row = (os.fsencode(subject), reason, first)
        with self._ledger.together():
            if known:
                self._end(known, _GOES_ON, now, 0)
            self._ledger.base.execute("INSERT OR REPLACE INTO gaps VALUES (?, ?, ?)", row)
            gap = Gap(subject=subject, reason=reason, started=first)
            self._ledger.emit(Kind.GAP, now, gap=gap)

    def _close(self, subject: str, closed_by: str, now: float, missed: int) -> None:
        known = self._get(subject)
        if known is None:
            return
        with self._ledger.together():
            self._ledger.base.execute("DELETE FROM gaps WHERE subject = ?", (os.fsencode(subject),))
            self._end(known, closed_by, now, missed)

    def _end(self, known: Gap, closed_by: str, now: float, missed: int) -> None:
        gap = Gap(
            subject=known.subject,
            reason=known.reason,
            started=known.started,
            ended=max(now, known.started),  # a clock may be set back
            closed_by=closed_by,
            missed=missed,
        )
        self._ledger.emit(Kind.GAP, now, gap=gap)

    def _get(self, subject: str) -> Gap | None:
        row = self._ledger.base.execute(
            "SELECT reason, started FROM gaps WHERE subject = ?", (os.fsencode(subject),)
        ).fetchone()
        return Gap(subject=subject, reason=row[0], started=row[1]) if row else None

    def all(self) -> Iterator[Gap]:
        """Give every open gap, the oldest first."""
        rows = self._ledger.base.execute("SELECT subject, reason, started FROM gaps ORDER BY 3")
        for subject, reason, started in rows:
            yield Gap(subject=os.fsdecode(subject), reason=reason, started=started)
