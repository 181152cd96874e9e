"""The private keys and certificates of all watched files, joined: copies and wrong pairs. EDGE.

What belongs together stands in several files, so that each look changes what another one means.
Only public halves are kept, as digests.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from checks import keyfiles
from checks.keyfiles import KeySeen

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from checks.scanned import Result
    from checks.secrets.keyfaults import Fault

_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS keys (
    file BLOB NOT NULL, path BLOB NOT NULL, spki TEXT NOT NULL,
    device INTEGER NOT NULL, inode INTEGER NOT NULL, PRIMARY KEY (file, path, spki)
) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS certificates (
    file BLOB NOT NULL, path BLOB NOT NULL, spki TEXT NOT NULL, PRIMARY KEY (file, path)
) WITHOUT ROWID""",
)
_SIGNED: Final = 1 << 63


class Keyring:
    """What is known of keys and certificates."""

    def __init__(self, base: sqlite3.Connection) -> None:
        """Use a database, and make the tables where they are missing."""
        self._base = base
        for statement in _SCHEMA:
            base.execute(statement)
        self.changed = True
        """Something changed since it was last joined, or may have before the last start."""
        self.revision = 0
        """Rises with every change."""

    def take(self, file: str, result: Result | None) -> None:
        """Take in what a file holds now, None for nothing: it is gone."""
        keys, certificates = _rows(file, result)
        where = (os.fsencode(file),)
        known = self._base.execute(
            "SELECT file, path, spki, device, inode FROM keys WHERE file = ?", where
        ).fetchall()
        paired = self._base.execute(
            "SELECT file, path, spki FROM certificates WHERE file = ?", where
        ).fetchall()
        if set(known) == keys and set(paired) == certificates:
            return
        self.changed = True
        self.revision += 1
        self._base.execute("DELETE FROM keys WHERE file = ?", where)
        self._base.execute("DELETE FROM certificates WHERE file = ?", where)
        self._base.executemany("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)", keys)
        self._base.executemany("INSERT OR REPLACE INTO certificates VALUES (?, ?, ?)", certificates)

    def all(self) -> Iterator[KeySeen]:
        """Give every private key whose public half is known."""
        rows = self._base.execute("SELECT path, spki, device, inode FROM keys")
        for path, spki, device, inode in rows.fetchall():
            yield KeySeen(os.fsdecode(path), spki, (device, _unsigned(inode)))

    def faults(self) -> Iterator[tuple[str, str, Fault]]:
        """Give (path, public key, fault) for copies of keys and for keys without their mate."""
        self.changed = False
        keys = [*self.all()]
        certificates: Sequence[tuple[str, str]] = [
            (os.fsdecode(path), spki)
            for path, spki in self._base.execute("SELECT path, spki FROM certificates")
        ]
        yield from keyfiles.joined(keys, certificates)


def _rows(
    file: str, result: Result | None
) -> tuple[set[tuple[bytes, bytes, str, int, int]], set[tuple[bytes, bytes, str]]]:
    if result is None:
        return set(), set()
    where = os.fsencode(file)
    return (
        {
            (where, os.fsencode(key.path), key.spki, key.inode[0], _signed(key.inode[1]))
            for key in result.keys
            if key.spki
        },
        {(where, os.fsencode(path), spki) for path, spki in result.certificates if spki},
    )


def _unsigned(number: int) -> int:
    """Give an inode's number back as the kernel has it."""
    return number if number >= 0 else number + 2 * _SIGNED


def _signed(number: int) -> int:
    """Fit an inode's number into what SQLite has."""
    return number if number < _SIGNED else number - 2 * _SIGNED
