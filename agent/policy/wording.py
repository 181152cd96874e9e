"""Say for whom an edition is, and how long something holds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from agent.policy.rollout import Rollout

_UNITS: Final = ((86_400, "day"), (3600, "hour"), (60, "minute"))


def rollout(told: Rollout) -> str:
    """Give "all hosts", or "10 % of hosts with env=prod, from 2026-12-01 08:00 UTC, paused"."""
    who = "all hosts" if told.share >= 100 else f"{told.share:g} % of hosts"
    labels = " ".join(f"{label}={value}" for label, value in told.labels.items())
    begin = f"from {told.from_:%Y-%m-%d %H:%M %Z}" if told.from_ else ""
    with_labels = f"{who} with {labels}" if labels else who
    return ", ".join(filter(None, (with_labels, begin, "paused" if told.paused else "")))


def held(end: datetime, now: datetime) -> str:
    """Give "3 days left", or "ended 2 hours ago"."""
    seconds = (end - now).total_seconds()
    size, unit = next((one for one in _UNITS if abs(seconds) >= one[0]), _UNITS[-1])
    count = round(abs(seconds) / size)
    text = f"{count:,} {unit}{'' if count == 1 else 's'}"
    return f"{text} left" if seconds > 0 else f"ended {text} ago"
