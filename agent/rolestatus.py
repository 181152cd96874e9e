"""What a role publishes about itself, for `hygiene-agent status` and for other roles."""

from __future__ import annotations

import msgspec

from agent.events import Gap  # noqa: TC001 - msgspec resolves it


class RoleStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One role. Times: seconds since 1970 in UTC.

    numbers: counts of what it does, by name; cpu: seconds of processor time that it and its
    children used; memory: bytes resident, with its children; faults: what is wrong with it now.
    """

    role: str
    pid: int
    started: float
    at: float
    numbers: dict[str, int] = {}
    open: int = 0
    removed: int = 0
    suppressed: int = 0
    gaps: tuple[Gap, ...] = ()
    faults: tuple[str, ...] = ()
    cpu: float = 0
    memory: int = 0
    waiting: int = 0
    """Events that are not in the journal yet."""
