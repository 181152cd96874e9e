"""The ways that links lead, kept: to where, and over which names. EDGE."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS ways (
    link BLOB PRIMARY KEY, real BLOB NOT NULL, names TEXT NOT NULL
) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS ways_real ON ways (real)",
    """CREATE TABLE IF NOT EXISTS over (
    name BLOB NOT NULL, link BLOB NOT NULL, PRIMARY KEY (name, link)
) WITHOUT ROWID""",
)
_OVER: Final = "SELECT link FROM over JOIN ways USING (link) WHERE name = ? AND real != ?"


class Way(NamedTuple):
    """Where a link leads. real: "" for nowhere, or into a watched tree; names: those on the way."""

    real: str = ""
    names: tuple[str, ...] = ()


NOWHERE: Final = Way()


class Ways:
    """The way of each link of which anything has to be known."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Use a database, and make the tables where they are missing."""
        self._base = base
        for statement in _SCHEMA:
            base.execute(statement)

    def get(self, link: str) -> Way:
        """Give the way of a link, NOWHERE for one that is not known."""
        row = self._base.execute(
            "SELECT real, names FROM ways WHERE link = ?", (os.fsencode(link),)
        ).fetchone()
        return Way(os.fsdecode(row[0]), tuple(json.loads(row[1]))) if row else NOWHERE

    def put(self, link: str, way: Way) -> None:
        """Note the way of a link; NOWHERE forgets it."""
        key, before = os.fsencode(link), self.get(link)
        if way == before:
            return
        self._base.execute("DELETE FROM ways WHERE link = ?", (key,))
        gone = ((os.fsencode(name), key) for name in before.names)
        self._base.executemany("DELETE FROM over WHERE name = ? AND link = ?", gone)
        if way != NOWHERE:
            row = (key, os.fsencode(way.real), json.dumps(way.names))
            self._base.execute("INSERT INTO ways VALUES (?, ?, ?)", row)
            come = ((os.fsencode(name), key) for name in way.names)
            self._base.executemany("INSERT OR REPLACE INTO over VALUES (?, ?)", come)

    def over(self, name: str, *, ends: bool = True) -> list[str]:
        """Give the links that lead over a name; ends: those too that lead to it and no further."""
        key = os.fsencode(name)
        rows = self._base.execute(_OVER, (key, b"-" if ends else key))
        return [os.fsdecode(link) for (link,) in rows.fetchall()]

    def leads(self, real: str) -> bool:
        """Say whether any link leads to a path, or to a folder above it."""
        above = [os.fsencode(one) for one in (*_above(real), real)]
        marks = ",".join("?" * len(above))
        query = f"SELECT 1 FROM ways WHERE real IN ({marks}) LIMIT 1"  # noqa: S608 - marks only
        return self._base.execute(query, above).fetchone() is not None

    def reals(self, folder: str = "/") -> list[str]:
        """Give what links lead to below a folder, without what lies in another one of these."""
        first = os.fsencode(folder).rstrip(b"/")
        rows = self._base.execute(
            "SELECT DISTINCT real FROM ways WHERE real >= ? AND real < ? ORDER BY real",
            (first + b"/", first + b"0"),  # "0" is what comes behind "/"
        )
        found: dict[str, None] = {}
        for (real,) in rows.fetchall():
            path = os.fsdecode(real)
            if found.keys().isdisjoint(_above(path)):
                found[path] = None
        return list(found)


def _above(path: str) -> list[str]:
    """Give the folders above a path."""
    parts = path.split("/")
    return ["/".join(parts[:n]) or "/" for n in range(1, len(parts)) if path != "/"]
