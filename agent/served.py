"""Which certificates this host's servers show, as the prober keeps and publishes it. EDGE.

What an endpoint showed when it was last looked at as a whole stays known over a restart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from agent import packing, snapshot
from checks.tls import chain

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from checks.tls.facts import EndpointFacts

FILE: Final = "served"
"""The name of the snapshot."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS served (key TEXT PRIMARY KEY, shown BLOB NOT NULL) WITHOUT ROWID
"""
_MARGIN: Final = 5.0
"""Seconds between the end of a look and when it is taken in, at the most."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that an endpoint shows. place: its name in findings, "tls://127.0.0.1:443".

    sha256: of the certificate; spki: of its public key, both in hex; at: it was shown after that,
    in seconds since 1970 in UTC.
    """

    place: str
    sha256: str
    spki: str
    at: float


class Served(msgspec.Struct, frozen=True):
    """All that are shown."""

    certificates: tuple[Shown, ...] = ()


class Serving:
    """What is known of all endpoints."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Use a database, and make the table where it is missing."""
        self._base = base
        self._changed = True
        base.execute(_SCHEMA)

    def take(self, key: str, facts: EndpointFacts, now: float) -> None:
        """Take in what an endpoint showed; within a transaction of the caller."""
        at = now - facts.seconds - _MARGIN
        leaves = (chain.read(one).leaf for one in facts.chains)
        told = Served(
            tuple(
                Shown(place=facts.target.uri, sha256=leaf.sha256, spki=leaf.key.spki, at=at)
                for leaf in dict.fromkeys(leaf for leaf in leaves if leaf is not None)
            )
        )
        row = (key, packing.pack(told))
        self._base.execute("INSERT OR REPLACE INTO served VALUES (?, ?)", row)
        self._changed = True

    def forget(self, key: str) -> None:
        """Take in that there is no such endpoint any more; within a transaction of the caller."""
        self._base.execute("DELETE FROM served WHERE key = ?", (key,))
        self._changed = True

    def publish(self, folder: Path) -> None:
        """Publish what is known, where that changed; raises SnapshotError."""
        if not self._changed:
            return
        rows = self._base.execute("SELECT shown FROM served ORDER BY key").fetchall()
        each = (packing.unpack(packed, Served).certificates for (packed,) in rows)
        snapshot.write(folder / FILE, Served(tuple(one for some in each for one in some)))
        self._changed = False
