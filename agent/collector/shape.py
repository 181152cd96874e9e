"""What the receiver shows, as values: the keys of its JSON, which stay as they are.

Times are seconds since 1970 in UTC, 0 for never; severities are words in lower case; a host is
named by its id.
"""

from __future__ import annotations

import msgspec


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """At a glance. severities: of what is open; removed: leaks of which the value still works."""

    hosts: int
    silent: int
    out_of_step: int
    cloned: int
    retired: int
    open: int
    removed: int
    suppressed: int
    severities: dict[str, int]


class HostRow(msgspec.Struct, frozen=True, kw_only=True):
    """A host. out_of_step: since when what it has is not what is known of it here, 0 if it is.

    missing: events that never came; dropped: that it gave up itself; repeated: that came again;
    left_out: findings over what is kept of one host; worst: severity of what is open, or "".
    claimed: the id it gives itself, which is not `id` where another installation was there first;
    cloned: others have that id too, and fault says how that shows, "" where the host said it.
    """

    id: str
    claimed: str
    name: str
    image: str
    labels: dict[str, str]
    version: str
    policy: str
    cloned: bool
    fault: str
    first_heard: float
    last_heard: float
    retired: float
    silent: bool
    out_of_step: float
    why: str
    open: int
    removed: int
    suppressed: int
    worst: str
    events: int
    repeated: int
    missing: int
    dropped: int
    left_out: int


class ImageRow(msgspec.Struct, frozen=True, kw_only=True):
    """One fault on all hosts of one image. place: an endpoint with "*" for its address."""

    image: str
    check: str
    severity: str
    place: str
    key_path: str
    message: str
    hosts: int
    findings: int
    oldest: float
    newest: float


class CheckRow(msgspec.Struct, frozen=True, kw_only=True):
    """Open deviations of one check, by how long they have been open."""

    check: str
    severity: str
    day: int
    week: int
    month: int
    older: int
    hosts: int


class LeakRow(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is gone from its place and was not changed at its service."""

    host: str
    check: str
    severity: str
    place: str
    key_path: str
    preview: str
    first_seen: float
    removed: float


class HealthRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last word of a part of an agent."""

    host: str
    component: str
    state: str
    detail: str
    at: float


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a host does not see, or did not; ended: 0 while it lasts."""

    host: str
    role: str
    subject: str
    reason: str
    started: float
    ended: float
    closed_by: str


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """How far an audit log is. fault: an entry that reads otherwise than it did before, or ""."""

    host: str
    chain: str
    sequence: int
    sha256: str
    heard: float
    fault: str


class ActRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of an audit log. actor: JSON, as the host tells it."""

    host: str
    chain: str
    sequence: int
    sha256: str
    at: float
    actor: str
    act: str
    subject: str
    result: str


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day in UTC: what opened and ended on it, and how it stood when it was last counted.

    counted: False for a day on which nobody counted: then only opened and ended say something.
    """

    day: str
    opened: int
    ended: int
    counted: bool
    hosts: int
    removed: int
    open: dict[str, int]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything, each list the most urgent first. left_out: rows over the limit, by list.

    silent_after: seconds.
    """

    version: int = 1
    at: float
    silent_after: float
    counts: Counts
    hosts: tuple[HostRow, ...]
    images: tuple[ImageRow, ...]
    checks: tuple[CheckRow, ...]
    removed: tuple[LeakRow, ...]
    health: tuple[HealthRow, ...]
    gaps: tuple[GapRow, ...]
    audits: tuple[AuditRow, ...]
    acts: tuple[ActRow, ...]
    trend: tuple[DayRow, ...]
    left_out: dict[str, int]


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of one host. status: "open", "removed", "suppressed" or "closed"."""

    role: str
    identity: str
    status: str
    check: str
    severity: str
    path: str
    line: int
    key_path: str
    message: str
    fix: str
    preview: str
    length: int
    fingerprints: dict[str, str]
    first_seen: float
    last_seen: float
    changed: float
    suppressed_by: str


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one host's findings; left_out: how many there are besides."""

    version: int = 1
    host: str
    findings: tuple[FindingRow, ...]
    left_out: int
