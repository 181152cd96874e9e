"""How it went, day by day: what opened and ended, and what was open when it was counted. EDGE."""

from __future__ import annotations

import datetime
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from agent.collector.shape import DayRow
from checks.model import Severity

if TYPE_CHECKING:
    import sqlite3

_DAY: Final = 86_400
SHOWN: Final = 30


def days(base: sqlite3.Connection, now: float) -> tuple[DayRow, ...]:
    """Give the last 30 days that ended or go on, the oldest first, those without news too."""
    today = int(now) // _DAY
    known: defaultdict[int, dict[str, int]] = defaultdict(dict)
    rows = base.execute("SELECT day, what, count FROM trend WHERE day > ?", (today - SHOWN,))
    for day, what, count in rows:
        known[day][what] = count
    return tuple(_day(day, known[day]) for day in range(today - SHOWN + 1, today + 1))


def _day(day: int, known: dict[str, int]) -> DayRow:
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
    return DayRow(
        day=date.isoformat(),
        opened=known.get("opened", 0),
        ended=known.get("ended", 0),
        counted="hosts" in known,
        hosts=known.get("hosts", 0),
        removed=known.get("removed", 0),
        open={one.label: known.get(f"open {one.value}", 0) for one in reversed(Severity)},
    )
