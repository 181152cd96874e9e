"""Keep what hosts send, a transaction at a time. EDGE.

Whatever was taken is on the disk when `together` has ended; what was not left nothing behind.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.collector import hosts, installations, intake, schema
from agent.collector.installations import CopyError
from agent.collector.schema import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.collector.batch import Batch
    from agent.collector.hosts import Speaker
    from agent.collector.intake import Taken

_DAY: Final = 86_400
_TREND_DAYS: Final = 400
_AT_ONCE: Final = 2_000
"""Rows that one transaction deletes: hosts wait meanwhile."""


class Limits(NamedTuple):
    """What is kept. mib: of the file; findings: of one host; days: of what is closed or retired."""

    mib: int = 4096
    findings: int = 20_000
    days: int = 90


class Store:
    """The file, for the one process that takes events."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Open it or make it; raises StoreError."""
        self._limits = limits
        self._base = schema.create(folder, limits.mib)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Do all or nothing of what is in the block; raises StoreError."""
        try:
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:  # most failures of SQLite have rolled back already
                    self._base.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise StoreError(f"{schema.NAME}: {error}") from error

    def take(self, batch: Batch, who: Speaker, now: float) -> Taken:
        """Take in a batch, or nothing of it.

        Raises CopyError, CrowdError, StrangerError or StreamError. Only within `together`, of which
        several batches may be part.
        """
        self._base.execute("SAVEPOINT batch")
        try:
            host = hosts.heard(self._base, batch.host, who, now)
            taken = intake.apply(self._base, host, batch, now, self._limits.findings)
        except BaseException as error:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK TO batch")
                if isinstance(error, CopyError):
                    installations.stray(self._base, error.host, now)
                self._base.execute("RELEASE batch")
            raise
        self._base.execute("RELEASE batch")
        return taken

    def tidy(self, now: float) -> bool:
        """Delete some of what is over for long; True if there is more; raises StoreError."""
        before = now - self._limits.days * _DAY
        with self.together():
            left = _AT_ONCE - self._forget_hosts(before)
            left -= self._base.execute(
                "DELETE FROM findings WHERE rowid IN (SELECT rowid FROM findings"
                " WHERE status = 'closed' AND changed < ? LIMIT ?)",
                (before, max(left, 0)),
            ).rowcount
            self._base.execute("DELETE FROM trend WHERE day < ?", (int(now) // _DAY - _TREND_DAYS,))
        return left <= 0

    def _forget_hosts(self, before: float) -> int:
        """Delete rows of hosts that were retired long ago, then the hosts; give how many."""
        gone = self._base.execute(
            "SELECT number FROM hosts WHERE retired > 0 AND retired < ? LIMIT 10", (before,)
        ).fetchall()
        deleted = 0
        for (host,) in gone:
            deleted += self._forget(host)
        return deleted

    def _forget(self, host: int) -> int:
        mine = "SELECT rowid FROM findings WHERE host = ? LIMIT ?"
        deleted = self._base.execute(
            f"DELETE FROM findings WHERE rowid IN ({mine})",  # noqa: S608 - ours
            (host, _AT_ONCE),
        ).rowcount
        if deleted < _AT_ONCE:
            streams = "SELECT number FROM streams WHERE host = ?"
            self._base.execute(f"DELETE FROM missing WHERE stream IN ({streams})", (host,))  # noqa: S608 - ours
            for table in schema.OF_HOST:
                self._base.execute(f"DELETE FROM {table} WHERE host = ?", (host,))  # noqa: S608 - ours
            self._base.execute("DELETE FROM hosts WHERE number = ?", (host,))
        return deleted

    def count(self, now: float) -> None:
        """Write down how much is open today, for the trend; raises StoreError."""
        with self.together():
            rows = self._base.execute(
                "SELECT status, severity, count(*) FROM live"
                " WHERE status IN ('open', 'removed') GROUP BY status, severity"
            ).fetchall()
            today = Counter({"removed": 0, **{f"open {number}": 0 for number in range(5)}})
            for status, severity, count in rows:
                today[status if status == "removed" else f"{status} {severity}"] += count
            [[today["hosts"]]] = self._base.execute("SELECT count(*) FROM hosts WHERE retired = 0")
            self._base.executemany(
                "INSERT OR REPLACE INTO trend VALUES (?, ?, ?)",
                [(int(now) // _DAY, what, count) for what, count in today.items()],
            )

    def close(self) -> None:
        """Let go of the file."""
        self._base.close()
