"""Show the hosts: what is open on each, whether it is silent or out of step. EDGE."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from agent.collector import installations
from agent.collector.reading import severity
from agent.collector.shape import HostRow

if TYPE_CHECKING:
    import sqlite3

_HOSTS: Final = (
    "SELECT number, id, coalesce(claimed, id), hosts.name, image, labels, version, policy, cloned,"
    " first_heard, last_heard, retired, events, repeated, dropped, left_out FROM hosts"
    " LEFT JOIN installations ON host = number WHERE retired = 0 OR ?"
)
_COLUMNS: Final = (
    *("id", "claimed", "name", "image", "labels", "version", "policy", "cloned", "first_heard"),
    *("last_heard", "retired", "events", "repeated", "dropped", "left_out"),
)
_STATUSES: Final = (
    "SELECT host, status, count(*), max(severity) FROM findings WHERE status != 'closed'"
    " GROUP BY host, status"
)
_STREAMS: Final = "SELECT host, min(apart), why FROM streams WHERE apart > 0 GROUP BY host"
_MISSING: Final = (
    "SELECT host, sum(missing.last - first + 1) FROM missing"
    " JOIN streams ON streams.number = stream GROUP BY host"
)


def rows(base: sqlite3.Connection, heard: float, *, retired: bool = False) -> list[HostRow]:
    """Give every host, the most urgent first. heard: who was not since then is silent."""
    statuses: defaultdict[int, Counter[str]] = defaultdict(Counter)
    worst: dict[int, str] = {}
    for host, status, count, most in base.execute(_STATUSES):
        statuses[host][status] = count
        if status == "open":
            worst[host] = severity(most)
    apart = {host: (since, why) for host, since, why in base.execute(_STREAMS)}
    missing = dict(base.execute(_MISSING).fetchall())
    faults = installations.faults(base, heard)
    made = []
    for number, *row in base.execute(_HOSTS, (retired,)):
        since, why = apart.get(number, (0.0, ""))
        told = _told(row)
        fault = faults.get(number, "")
        told["cloned"] = told["cloned"] or bool(fault)
        made.append(
            HostRow(
                **told,
                fault=fault,
                silent=told["last_heard"] < heard,
                out_of_step=since,
                why=why,
                worst=worst.get(number, ""),
                missing=missing.get(number, 0),
                open=statuses[number]["open"],
                removed=statuses[number]["removed"],
                suppressed=statuses[number]["suppressed"],
            )
        )
    return sorted(made, key=_urgency)


def _told(row: list[Any]) -> dict[str, Any]:
    told = dict(zip(_COLUMNS, row, strict=True))
    return {**told, "labels": json.loads(told["labels"]), "cloned": bool(told["cloned"])}


def _urgency(row: HostRow) -> tuple[bool, tuple[bool, bool, bool], int, str]:
    known = (not row.cloned, not row.out_of_step, not row.silent)
    return (row.retired > 0, known, -row.open - row.removed, row.id)
