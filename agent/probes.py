"""When each endpoint was last looked at as a whole, and its fingerprint then, over restarts. EDGE.

Each change is within a transaction of the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS probes (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, looked REAL NOT NULL
) WITHOUT ROWID
"""
_JUDGED: Final = "SELECT value FROM meta WHERE name = 'judged'"


class Print(NamedTuple):
    """The fingerprint found with a whole look. settled: the endpoint is known by it from now on.

    It is not where the one before was another. A server that takes up something else answers for a
    while from before and from after: the fingerprint may be of the one, and the look that came with
    it have seen the other too, which only another look can tell.
    """

    found: str
    settled: bool = True

    @property
    def known(self) -> str:
        """What the endpoint is known by, "" where it is to be looked at again."""
        return self.found if self.settled else ""


UNKNOWN: Final = Print("")


class Probe(NamedTuple):
    """A whole look. looked: seconds since 1970 in UTC."""

    fingerprint: str
    looked: float


class Probes:
    """The last whole look at each endpoint, by the endpoint's key."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Use a database, and make the table where it is missing."""
        self._base = base
        base.execute(_SCHEMA)

    def judge_by(self, basis: str) -> None:
        """Forget all fingerprints where others were judged by another basis than this one."""
        if self._base.execute(_JUDGED).fetchone() != (basis,):
            self._base.execute("UPDATE probes SET fingerprint = ''")
            self._base.execute("INSERT OR REPLACE INTO meta VALUES ('judged', ?)", (basis,))

    def looked(self) -> list[str]:
        """Give the endpoints that were looked at and not forgotten."""
        return [key for (key,) in self._base.execute("SELECT key FROM probes").fetchall()]

    def last(self, key: str) -> Probe | None:
        """Give the last look that an endpoint can still be told by, None where there is none."""
        row = self._base.execute(
            "SELECT fingerprint, looked FROM probes WHERE key = ? AND fingerprint != ''", (key,)
        ).fetchone()
        return Probe(*row) if row else None

    def take(self, key: str, probe: Probe) -> None:
        """Keep a look."""
        self._base.execute("INSERT OR REPLACE INTO probes VALUES (?, ?, ?)", (key, *probe))

    def forget(self, key: str) -> None:
        """Take in that nobody listens there any more."""
        self._base.execute("DELETE FROM probes WHERE key = ?", (key,))
