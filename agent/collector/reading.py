"""Read from one state of the receiver's file, however long it takes. EDGE."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from agent.collector import schema
from agent.collector.schema import StoreError
from checks.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that sees what was there at its first question; raises StoreError."""
    base = schema.look(folder)
    try:
        base.execute("BEGIN")
        yield base
    except sqlite3.Error as error:
        raise StoreError(f"{schema.NAME}: {error}") from error
    finally:
        base.close()


def severity(number: int) -> str:
    """Give the word for a severity that was kept."""
    return Severity(number).label
