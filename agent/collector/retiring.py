"""Retire hosts that are gone for good, while events may be coming in. EDGE.

A retired host counts nowhere; what is known of it is deleted later. One that speaks again is back,
as it was.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from agent.collector import schema
from agent.collector.schema import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def retire(folder: Path, hosts: Iterable[str], now: float) -> list[str]:
    """Retire hosts by their ids; give those that are not known; raises StoreError."""
    base = schema.change(folder)
    try:
        return [
            host
            for host in hosts
            if not base.execute("UPDATE hosts SET retired = ? WHERE id = ?", (now, host)).rowcount
        ]
    except sqlite3.Error as error:
        raise StoreError(f"{schema.NAME}: {error}") from error
    finally:
        base.close()
