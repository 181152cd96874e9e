"""What the mender knows of each path: returns, what it gave up, what is not proven. EDGE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.ledger import Ledger

MOST: Final = 2
"""Returns within an hour; what changes again after that is only reported."""
_TIMES: Final = 30
"""How often one return is begun again, since this role was ended each time before it was proven."""
HOUR: Final = 3600.0
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS returns (path BLOB NOT NULL, at REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS given_up (path BLOB PRIMARY KEY, mark TEXT NOT NULL,"
    " why TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS unproven (path BLOB PRIMARY KEY, since REAL NOT NULL,"
    " times INTEGER NOT NULL) WITHOUT ROWID",
)


class Returns:
    """Tables of the role's state file. All raise LedgerError where they write."""

    def __init__(self, ledger: Ledger) -> None:
        """Make the tables where they are missing."""
        self._ledger = ledger
        with ledger.together():
            for statement in _SCHEMA:
                ledger.base.execute(statement)

    def many(self, path: str, now: float) -> float | None:
        """Say until when a path was put back too often to be put back again; None if not."""
        rows = self._ledger.base.execute(
            "SELECT at FROM returns WHERE path = ? AND at > ? AND at <= ? ORDER BY at DESC LIMIT ?",
            (_key(path), now - HOUR, now, MOST),
        ).fetchall()
        return float(rows[-1][0]) + HOUR if len(rows) == MOST else None

    def begin(self, paths: Iterable[str], now: float) -> None:
        """Note that paths are put back now, and are not proven; what goes on counts once."""
        going = self.unproven()
        with self._ledger.together():
            self._ledger.base.execute("DELETE FROM returns WHERE at < ?", (now - HOUR,))
            for path in paths:
                if path not in going:
                    self._ledger.base.execute(
                        "INSERT INTO returns VALUES (?, ?)", (_key(path), now)
                    )
                self._ledger.base.execute(
                    "INSERT INTO unproven VALUES (?, ?, 1)"
                    " ON CONFLICT (path) DO UPDATE SET times = times + 1",
                    (_key(path), now),
                )

    def proven(self, paths: Iterable[str]) -> None:
        """Note that nothing is left to do for paths."""
        with self._ledger.together():
            for path in paths:
                self._ledger.base.execute("DELETE FROM unproven WHERE path = ?", (_key(path),))
                self._ledger.base.execute("DELETE FROM given_up WHERE path = ?", (_key(path),))

    def unproven(self) -> dict[str, float]:
        """Give the paths that a run which was killed had begun to put back, and since when."""
        rows = self._ledger.base.execute(
            "SELECT path, since FROM unproven WHERE times < ?", (_TIMES,)
        ).fetchall()
        return {path.decode("utf-8", "surrogateescape"): since for path, since in rows}

    def give_up(self, path: str, mark: str, why: str, until: float = math.inf) -> None:
        """Leave a path alone as long as it is as it is now, and until a time."""
        with self._ledger.together():
            row = (_key(path), mark, why, until)
            self._ledger.base.execute("INSERT OR REPLACE INTO given_up VALUES (?, ?, ?, ?)", row)
            self._ledger.base.execute("DELETE FROM unproven WHERE path = ?", (_key(path),))

    def given_up(self, path: str, mark: str, now: float) -> str:
        """Say why a path is left alone as it is, "" where it is not."""
        row = self._ledger.base.execute(
            "SELECT why FROM given_up WHERE path = ? AND mark = ? AND until > ?",
            (_key(path), mark, now),
        ).fetchone()
        return str(row[0]) if row else ""

    def forget(self, paths: Iterable[str]) -> None:
        """Try again what was given up, as policy or a person says."""
        with self._ledger.together():
            for path in paths:
                self._ledger.base.execute("DELETE FROM given_up WHERE path = ?", (_key(path),))
                self._ledger.base.execute("DELETE FROM returns WHERE path = ?", (_key(path),))


def _key(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")
