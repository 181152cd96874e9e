"""Keep what hosts say of themselves: what they could not see, and how their agents are. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.output.jsonout import text

if TYPE_CHECKING:
    import sqlite3

    from agent.collector.batch import Numbered
    from agent.events import Gap, Health

_MOST: Final = 100
"""Gaps, and components, of one host."""
_LONGEST: Final = 500


def note(base: sqlite3.Connection, host: int, one: Numbered) -> None:
    """Keep a gap, or the health of a part of an agent."""
    if one.event.gap is not None:
        _gap(base, host, one, one.event.gap)
    elif one.event.health is not None:
        _health(base, host, one.event.at, one.event.health)


def _gap(base: sqlite3.Connection, host: int, one: Numbered, gap: Gap) -> None:
    """Keep a gap; its end comes later as the same gap once more."""
    key = (host, one.event.role, _short(gap.subject), _short(gap.reason), gap.started)
    base.execute(
        "INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " ended = excluded.ended, closed_by = excluded.closed_by, missed = excluded.missed,"
        " sequence = excluded.sequence WHERE excluded.sequence > sequence",
        (*key, gap.ended, _short(gap.closed_by), gap.missed, one.sequence),
    )
    base.execute(
        "DELETE FROM gaps WHERE host = ? AND (role, subject, reason, started) IN ("
        " SELECT role, subject, reason, started FROM gaps WHERE host = ?"
        " ORDER BY ended = 0 DESC, started DESC LIMIT -1 OFFSET ?)",
        (host, host, _MOST),
    )


def _health(base: sqlite3.Connection, host: int, at: float, health: Health) -> None:
    """Keep the last word of each component."""
    base.execute(
        "INSERT INTO health VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " state = excluded.state, detail = excluded.detail, at = excluded.at"
        " WHERE excluded.at >= at",
        (host, _short(health.component), _short(health.state), _short(health.detail), at),
    )
    base.execute(
        "DELETE FROM health WHERE host = ? AND component IN ("
        " SELECT component FROM health WHERE host = ? ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (host, host, _MOST),
    )


def _short(value: str) -> str:
    return text(value[:_LONGEST])
