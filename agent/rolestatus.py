"""What a role publishes about itself, for `hygiene-agent status` and for other roles."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from agent.events import Gap  # noqa: TC001 - msgspec resolves it
from agent.findings import Tracked  # noqa: TC001 - msgspec resolves it

STATUS: Final = "status"
FINDINGS: Final = "findings"
INTERVAL: Final = 5.0
"""Seconds between two of the same role."""
STALE: Final = 4 * INTERVAL
"""Seconds after which a status says nothing of now."""
SHOWN_GAPS: Final = 50
SHOWN_FINDINGS: Final = 200


class ActivePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy that a role works by. sha256: of all that it says; since: when it took effect."""

    name: str
    sha256: str
    since: float
    waivers: int = 0


class Tried(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A policy that the role tried, by its hash; why: it cannot be used, "" if it can."""

    sha256: str
    why: str = ""


class RoleStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One role. Times: seconds since 1970 in UTC.

    numbers: counts of what it does, by name; cpu: seconds of processor time that it and its
    children used; load: percent of one core over the last minute; memory: bytes resident, of the
    role's own process; faults: what is wrong with it now.
    """

    role: str
    pid: int
    started: float
    at: float
    namespace: int = 0
    """Of process ids: in another one the pid says nothing."""
    stopped: bool = False
    """It was told to stop, and this is its last word."""
    numbers: dict[str, int] = {}
    open: int = 0
    removed: int = 0
    suppressed: int = 0
    severities: dict[str, int] = {}
    """Open findings by severity, the most severe first."""
    gaps: tuple[Gap, ...] = ()
    """The oldest that are open, at most SHOWN_GAPS."""
    more_gaps: int = 0
    """How many there are beside them."""
    faults: tuple[str, ...] = ()
    cpu: float = 0
    load: float = 0
    memory: int = 0
    waiting: int = 0
    """Events that are not in the journal yet."""
    policy: ActivePolicy | None = None
    tried: Tried | None = None
    audit: str = ""
    """The head of its audit log, "SEQUENCE:HASH"."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The worst findings of a role, as they stand: those open and those removed, both worst first.

    At most SHOWN_FINDINGS of each; how many there are in all, its status says.
    """

    at: float
    open: tuple[Tracked, ...] = ()
    removed: tuple[Tracked, ...] = ()


def namespace() -> int:
    """Give the namespace in which this process's ids mean something, 0 where it is not told."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0
