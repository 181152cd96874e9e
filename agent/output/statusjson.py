r"""Write a host's status as one JSON object; every key is always there.

Pure ASCII; times are ISO 8601 in UTC, null for never. What is not UTF-8 stands with its odd bytes
written \xNN.
"""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING, Any

import msgspec

from agent.envelope import safely
from agent.statuspage import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.findings import Tracked
    from agent.policy import activating
    from agent.statuspage import (
        Coverage,
        Page,
        RoleLine,
        RolePolicy,
        SinkLine,
        Standing,
    )

_Object = dict[str, Any]


def render(page: Page) -> Iterator[str]:
    """Give the object."""
    made = {
        "schema": SCHEMA,
        "at": moment(page.at),
        "host": msgspec.to_builtins(page.host),
        "well": not page.problems and not page.is_unreadable,
        "problems": list(page.problems),
        "roles": [_role(one) for one in page.roles],
        "coverage": _coverage(page.coverage),
        "findings": _standing(page.findings),
        "sinks": [_sink(one) for one in page.sinks],
        "policies": [_policy(one) for one in page.policies],
        "store": _store(page.store) if page.store else None,
    }
    yield json.dumps(safely(made), ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def moment(seconds: float) -> str | None:
    """Give a time as ISO 8601 in UTC, None for 0."""
    if not seconds:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def _role(one: RoleLine) -> _Object:
    return {
        "role": one.role,
        "state": one.state.value,
        "detail": one.detail,
        "pid": one.pid,
        "since": moment(one.since),
        "seen": moment(one.seen),
        "cpu": {"percent": one.cpu, "budget": one.cpu_budget, "seconds": one.cpu_seconds},
        "memory": {"bytes": one.memory, "budget": one.memory_budget},
        "outbox": {"bytes": one.outbox, "budget": one.outbox_budget, "waiting": one.waiting},
        "faults": list(one.faults),
        "numbers": one.numbers,
        "audit": one.audit,
    }


def _coverage(one: Coverage) -> _Object:
    return {
        "files": one.files,
        "folders": one.folders,
        "endpoints": one.endpoints,
        "watches": {"used": one.watches, "limit": one.watches_limit},
        "instances": {"limit": one.instances_limit},
        "unwatched": one.unwatched,
        "gaps_open": len(one.gaps) + one.more_gaps,
        "gaps": [
            {
                "role": gap.role,
                "subject": gap.subject,
                "reason": gap.reason,
                "since": moment(gap.since),
            }
            for gap in one.gaps
        ],
    }


def _standing(one: Standing) -> _Object:
    return {
        "open": one.open,
        "removed": one.removed,
        "suppressed": one.suppressed,
        "severities": one.severities,
        "worst": [_tracked(known) for known in one.worst],
        "removed_not_changed": [_tracked(known) for known in one.gone],
    }


def _tracked(one: Tracked) -> _Object:
    finding = one.finding
    return {
        "identity": one.identity,
        "check": finding.check,
        "severity": finding.severity.label,
        "path": finding.location.path,
        "line": finding.location.line,
        "key_path": finding.location.key_path,
        "message": finding.message,
        "status": one.status.value,
        "first_seen": moment(one.first_seen),
        "last_seen": moment(one.last_seen),
    }


def _sink(one: SinkLine) -> _Object:
    return {
        "name": one.name,
        "state": "away" if one.failing else "delivers",
        "succeeded": moment(one.succeeded),
        "failing": one.failing,
        "since": moment(one.since),
        "delivered": one.delivered,
        "refused": one.refused,
        "damaged": one.damaged,
    }


def _policy(one: RolePolicy) -> _Object:
    active = one.policy
    return {
        "role": one.role,
        "name": active.name,
        "sha256": active.sha256,
        "since": moment(active.since),
        "waivers": active.waivers,
    }


def _store(one: activating.Standing) -> _Object:
    return {
        "url": one.url,
        "state": one.state,
        "since": moment(one.since),
        "why": one.why,
        "policy": {"name": one.name, "sha256": one.sha256, "editions": one.editions},
        "polled": moment(one.polled),
        "believed": moment(one.believed),
        "refused": one.refused,
        "detail": one.detail,
        "metadata": {
            role: {"version": number, "expires": moment(one.expires.get(role, 0.0))}
            for role, number in one.versions.items()
        },
    }
