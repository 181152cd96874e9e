"""What every watched file was when it was last looked at, in the watcher's own SQLite file. EDGE.

A file is the same as then if its device, inode, size and time of change are: nobody can set the
last one back. The index is written in the transaction that takes in what the look gave.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (
    folder BLOB NOT NULL, name BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
    changed INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (folder, name)
) WITHOUT ROWID
"""
_SIGNED: Final = 1 << 64
_PAGE: Final = 1000
_WITHIN: Final = (
    "SELECT name, device, inode, changed, size FROM files"
    " WHERE folder = ? AND name > ? ORDER BY name LIMIT ?"
)
_BELOW: Final = (
    "SELECT folder, name FROM files WHERE (folder, name) > (?, ?) AND folder < ?"
    " ORDER BY folder, name LIMIT ?"
)


class Stamp(NamedTuple):
    """What tells one state of a file from another. changed: its ctime in nanoseconds."""

    device: int
    inode: int
    changed: int
    size: int


UNSETTLED: Final = Stamp(0, 0, 0, 0)
"""Of a file that was looked at while it changed: no file is ever the same as this."""


def stamp(status: os.stat_result) -> Stamp:
    """Give the stamp of a file."""
    inode = status.st_ino if status.st_ino < _SIGNED >> 1 else status.st_ino - _SIGNED
    return Stamp(status.st_dev, inode, status.st_ctime_ns, status.st_size)


class Index:
    """The files that were looked at."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Use a database, and make the table where it is missing."""
        self._base = base
        self._count: int | None = None
        """How many files there are, None after a change: counting them goes through all."""
        base.execute(_SCHEMA)

    def __len__(self) -> int:
        """Give how many files there are; not in a transaction that may yet be undone."""
        if self._count is None:
            [[count]] = self._base.execute("SELECT count(*) FROM files")
            self._count = int(count)
        return self._count

    def get(self, path: str) -> Stamp | None:
        """Give what a file was, None for one that was not looked at."""
        row = self._base.execute(
            "SELECT device, inode, changed, size FROM files WHERE folder = ? AND name = ?",
            _key(path),
        ).fetchone()
        return Stamp(*row) if row else None

    def put(self, path: str, seen: Stamp) -> None:
        """Note what a file was when it was looked at."""
        self._count = None
        self._base.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", (*_key(path), *seen)
        )

    def drop(self, path: str) -> None:
        """Forget a file."""
        self._count = None
        self._base.execute("DELETE FROM files WHERE folder = ? AND name = ?", _key(path))

    def within(self, folder: str) -> Iterator[list[tuple[str, Stamp]]]:
        """Give the files right in a folder, by name; some at a time."""
        where, last = os.fsencode(folder), b""
        while rows := self._base.execute(_WITHIN, (where, last, _PAGE)).fetchall():
            last = rows[-1][0]
            yield [(os.fsdecode(name), Stamp(*rest)) for name, *rest in rows]

    def below(self, folder: str) -> Iterator[list[str]]:
        """Give the files in a folder and in all below it; some at a time."""
        first = os.fsencode(folder).rstrip(b"/")
        for page in self.within(folder):
            yield [os.path.join(folder, name) for name, _ in page]
        where, last, end = first + b"/", b"", first + b"0"  # "0" is what comes behind "/"
        while rows := self._base.execute(_BELOW, (where, last, end, _PAGE)).fetchall():
            where, last = rows[-1]
            yield [os.path.join(os.fsdecode(one), os.fsdecode(name)) for one, name in rows]


def _key(path: str) -> tuple[bytes, bytes]:
    folder, name = os.path.split(path)
    return os.fsencode(folder), os.fsencode(name)
