"""What `hygiene-agent status` has to say of this host: the words that every output is made of.

Times are seconds since 1970 in UTC that every calendar has, 0 for never; numbers are finite and not
below 0; texts are as they were published, and hostile.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

from agent.events import Host  # noqa: TC001 - msgspec resolves it
from agent.findings import Tracked  # noqa: TC001 - msgspec resolves it
from agent.policy import activating  # noqa: TC001 - msgspec resolves it
from agent.rolestatus import ActivePolicy  # noqa: TC001 - msgspec resolves it

SCHEMA: Final = "hygiene-agent/status/1"


class State(enum.StrEnum):
    """How a role is."""

    RUNNING = "running"
    SILENT = "silent"
    """Its process is there and publishes nothing."""
    DEAD = "dead"
    """Its process is gone and did not say why."""
    STOPPED = "stopped"
    """It was told to stop."""
    ABSENT = "absent"
    """It never ran here."""
    UNREADABLE = "unreadable"
    """What it published may not be read, or cannot be believed."""


class RoleLine(msgspec.Struct, frozen=True, kw_only=True):
    """One role. since: when it came into this state; seen: of its last word; 0 for never.

    cpu: percent of one core over the last minute; of: what the budget allows; memory and outbox in
    bytes; waiting: events not in the journal yet.
    """

    role: str
    state: State
    detail: str = ""
    pid: int = 0
    since: float = 0
    seen: float = 0
    cpu: float = 0
    cpu_budget: float = 0
    cpu_seconds: float = 0
    memory: int = 0
    memory_budget: int = 0
    outbox: int = 0
    outbox_budget: int = 0
    waiting: int = 0
    faults: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    audit: str = ""


class OpenGap(msgspec.Struct, frozen=True, kw_only=True):
    """A gap, and whose."""

    role: str
    subject: str
    reason: str
    since: float


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is watched. more_gaps: how many are open beside those that are listed."""

    files: int = 0
    folders: int = 0
    endpoints: int = 0
    watches: int = 0
    watches_limit: int = 0
    instances_limit: int = 0
    unwatched: int = 0
    gaps: tuple[OpenGap, ...] = ()
    more_gaps: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How findings stand. The lists hold the worst of each role, worst first."""

    open: int = 0
    removed: int = 0
    suppressed: int = 0
    severities: dict[str, int] = {}
    worst: tuple[Tracked, ...] = ()
    gone: tuple[Tracked, ...] = ()
    """Leaks that were removed, of values that nobody said were changed."""


class SinkLine(msgspec.Struct, frozen=True, kw_only=True):
    """One sink. succeeded: when it took something last, 0 for never; failing: why it fails now."""

    name: str
    succeeded: float = 0
    delivered: int = 0
    refused: int = 0
    damaged: int = 0
    failing: str = ""
    since: float = 0


class RolePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a role works by."""

    role: str
    policy: ActivePolicy


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The whole. problems: what is wrong, in words; empty: all is well."""

    at: float
    host: Host
    problems: tuple[str, ...] = ()
    roles: tuple[RoleLine, ...] = ()
    coverage: Coverage = Coverage()
    findings: Standing = Standing()
    sinks: tuple[SinkLine, ...] = ()
    policies: tuple[RolePolicy, ...] = ()
    store: activating.Standing | None = None

    @property
    def is_unreadable(self) -> bool:
        """Nothing is known to be wrong, and not everything is known."""
        return not self.problems and any(one.state is State.UNREADABLE for one in self.roles)
