"""The receiver's SQLite file: its tables, and how it is opened. EDGE.

What the columns mean stands in agent/README.md, so that others may read the file.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Final

from checks.errors import HygieneError

if TYPE_CHECKING:
    from pathlib import Path

VERSION: Final = 2
NAME: Final = "collector.sqlite"
_PAGE: Final = 4096
_BUSY: Final = 10.0
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS hosts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL, image TEXT NOT NULL, labels TEXT NOT NULL, version TEXT NOT NULL,
    policy TEXT NOT NULL, cloned INTEGER NOT NULL, principal TEXT NOT NULL,
    first_heard REAL NOT NULL, last_heard REAL NOT NULL, retired REAL NOT NULL DEFAULT 0,
    events INTEGER NOT NULL DEFAULT 0, repeated INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0, left_out INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS installations (
    host INTEGER PRIMARY KEY, claimed TEXT NOT NULL, name TEXT NOT NULL,
    run TEXT NOT NULL DEFAULT '', before TEXT NOT NULL DEFAULT '',
    strays INTEGER NOT NULL DEFAULT 0, copied REAL NOT NULL DEFAULT 0, UNIQUE (claimed, name)
);
CREATE INDEX IF NOT EXISTS by_principal ON hosts (principal);
CREATE TABLE IF NOT EXISTS streams (
    number INTEGER PRIMARY KEY AUTOINCREMENT, host INTEGER NOT NULL, name TEXT NOT NULL,
    role TEXT NOT NULL, began REAL NOT NULL, heard REAL NOT NULL, last INTEGER NOT NULL,
    agreed REAL NOT NULL DEFAULT 0, apart REAL NOT NULL DEFAULT 0, why TEXT NOT NULL DEFAULT '',
    UNIQUE (host, name)
);
CREATE TABLE IF NOT EXISTS missing (
    stream INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (stream, first)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings (
    host INTEGER NOT NULL, role TEXT NOT NULL, identity TEXT NOT NULL,
    stream INTEGER NOT NULL, sequence INTEGER NOT NULL, status TEXT NOT NULL,
    check_id TEXT NOT NULL, severity INTEGER NOT NULL, fault BLOB NOT NULL,
    opened REAL NOT NULL, changed REAL NOT NULL, known BLOB NOT NULL,
    UNIQUE (host, role, identity)
);
CREATE INDEX IF NOT EXISTS closed ON findings (changed) WHERE status = 'closed';
CREATE VIEW IF NOT EXISTS live AS
    SELECT findings.*, findings.rowid AS row, hosts.id, hosts.image FROM findings
    JOIN hosts ON hosts.number = findings.host AND hosts.retired = 0;
CREATE TABLE IF NOT EXISTS gaps (
    host INTEGER NOT NULL, role TEXT NOT NULL, subject TEXT NOT NULL, reason TEXT NOT NULL,
    started REAL NOT NULL, ended REAL NOT NULL, closed_by TEXT NOT NULL, missed INTEGER NOT NULL,
    sequence INTEGER NOT NULL, PRIMARY KEY (host, role, subject, reason, started)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS health (
    host INTEGER NOT NULL, component TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (host, component)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS audits (
    host INTEGER NOT NULL, chain TEXT NOT NULL, sequence INTEGER NOT NULL, sha256 TEXT NOT NULL,
    heard REAL NOT NULL, fault TEXT NOT NULL, PRIMARY KEY (host, chain)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acts (
    host INTEGER NOT NULL, chain TEXT NOT NULL, sequence INTEGER NOT NULL, sha256 TEXT NOT NULL,
    at REAL NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL,
    result TEXT NOT NULL, PRIMARY KEY (host, chain, sequence)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trend (
    day INTEGER NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, what)
) WITHOUT ROWID;
"""
_BEFORE: Final = 1
_FROM_BEFORE: Final = (
    "INSERT INTO installations (host, claimed, name) SELECT number, id, '' FROM hosts"
)
OF_HOST: Final = ("installations", "streams", "findings", "gaps", "health", "audits", "acts")
"""Tables whose rows belong to a host."""


class StoreError(HygieneError):
    """The file cannot be used, or not just now; nothing was changed."""


def create(folder: Path, most_mib: int) -> sqlite3.Connection:
    """Open the file to write, made if need be, never growing over a size; raises StoreError."""
    path = folder / NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise StoreError(f"{folder}: belongs to another user, or others can write it")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path, flags, 0o600))
        base = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        _prepare(base, most_mib)
    except sqlite3.Error as error:
        base.close()
        raise StoreError(f"{path}: {error}") from error
    return base


def _prepare(base: sqlite3.Connection, most_mib: int) -> None:
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")  # an acknowledged batch survives a power cut
    base.execute(f"PRAGMA max_page_count={most_mib * 1024 * 1024 // _PAGE}")
    base.execute("PRAGMA journal_size_limit=67108864")
    [[version]] = base.execute("PRAGMA user_version")
    if version not in {0, _BEFORE, VERSION}:
        raise sqlite3.DatabaseError(f"made by another version of this program: {version}")
    base.executescript(_TABLES)
    if version == _BEFORE:
        base.execute(_FROM_BEFORE)
    base.execute(f"PRAGMA user_version={VERSION}")


def change(folder: Path) -> sqlite3.Connection:
    """Open the file to write beside whoever takes events; it must be there; raises StoreError."""
    return _opened(folder, "rw")


def look(folder: Path) -> sqlite3.Connection:
    """Open the file to read only; raises StoreError."""
    return _opened(folder, "ro")


def _opened(folder: Path, mode: str) -> sqlite3.Connection:
    path = (folder / NAME).absolute()
    address = f"{path.as_uri()}?mode={mode}"
    try:
        base = sqlite3.connect(address, uri=True, timeout=_BUSY, isolation_level=None)
        [[version]] = base.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    if version != VERSION:
        base.close()
        raise StoreError(f"{path}: made by another version of this program")
    return base
