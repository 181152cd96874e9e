"""Put together what `hygiene-agent status` says, of what the roles published. Pure.

Everything published is hostile until here: numbers that are none and times out of reach become
something that every output can show.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent import rolestatus
from agent.output import words
from agent.statuspage import (
    Coverage,
    OpenGap,
    Page,
    RoleLine,
    RolePolicy,
    SinkLine,
    Standing,
    State,
)
from checks.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.courier import Progress
    from agent.events import Gap, Host
    from agent.findings import Tracked
    from agent.policy import activating
    from agent.rolestatus import ActivePolicy, Findings, RoleStatus
    from agent.settings import Settings

_LATEST: Final = 253_402_300_799.0
"""The end of the year 9999."""
_MOST: Final = 1 << 62
_ANSWER: Final = 60.0
"""Seconds that a store may take to answer."""


class Process(enum.Enum):
    """What the system says of a role's process."""

    THERE = enum.auto()
    GONE = enum.auto()
    UNKNOWN = enum.auto()
    """It has its ids in another namespace, as in a container."""


class Read(NamedTuple):
    """What was read of one role. error: why there is no status; "" where it never ran.

    outbox: bytes that its journal takes.
    """

    role: str
    status: RoleStatus | None = None
    findings: Findings | None = None
    process: Process = Process.UNKNOWN
    error: str = ""
    outbox: int = 0


class Limits(NamedTuple):
    """What the kernel allows each user of inotify, 0 where it does not tell (inotify(7))."""

    watches: int = 0
    instances: int = 0


class Gathered(NamedTuple):
    """All that was read."""

    host: Host
    settings: Settings
    roles: tuple[Read, ...]
    sinks: tuple[Progress, ...] | None
    """None where the courier published none that can be read."""
    limits: Limits
    now: float
    store: activating.Standing | None = None
    """None where there is no store, or the courier published nothing that can be read."""


def page(seen: Gathered) -> Page:
    """Put together what is shown."""
    roles = tuple(_role(one, seen) for one in seen.roles)
    told = [one.status for one in seen.roles if one.status is not None]
    sinks = tuple(_sink(one) for one in seen.sinks or ())
    coverage = _coverage(told, seen.limits)
    store = _store(seen.store) if seen.store else None
    return Page(
        at=seen.now,
        host=seen.host,
        problems=(*_problems(roles, coverage, sinks, store), *_unasked(seen)),
        roles=roles,
        coverage=coverage,
        findings=_standing(told, [one.findings for one in seen.roles if one.findings]),
        sinks=sinks,
        policies=tuple(
            RolePolicy(role=one.role, policy=_policy(one.policy)) for one in told if one.policy
        ),
        store=store,
    )


def _role(read: Read, seen: Gathered) -> RoleLine:
    status, budget = read.status, seen.settings.budget
    if status is None:
        state = State.UNREADABLE if read.error else State.ABSENT
        return RoleLine(role=read.role, state=state, detail=read.error)
    state = _state(status, read.process, seen.now)
    return RoleLine(
        role=read.role,
        state=state,
        detail=_DETAILS[state],
        pid=status.pid,
        since=_time(status.started if state is State.RUNNING else status.at),
        seen=_time(status.at),
        cpu=_number(status.load) if state is State.RUNNING else 0.0,
        cpu_budget=float(budget.cpu),
        cpu_seconds=_number(status.cpu),
        memory=_count(status.memory),
        memory_budget=budget.memory * 1024 * 1024,
        outbox=read.outbox,
        outbox_budget=seen.settings.outbox.mib * 1024 * 1024,
        waiting=_count(status.waiting),
        faults=status.faults,
        numbers={name: _count(value) for name, value in sorted(status.numbers.items())},
        audit=status.audit,
    )


_DETAILS: Final = {
    State.RUNNING: "",
    State.SILENT: "its process is there and says nothing",
    State.DEAD: "its process is gone and did not say why",
    State.STOPPED: "it was told to stop",
}


def _state(status: RoleStatus, process: Process, now: float) -> State:
    """Say how a role is: by its process where that can be seen, and by the age of its last word."""
    if status.stopped:
        return State.STOPPED
    if process is Process.GONE:
        return State.DEAD
    age = now - _time(status.at)
    if age <= rolestatus.STALE:  # below 0: a clock was set back, which the next status mends
        return State.RUNNING
    return State.SILENT if process is Process.THERE else State.DEAD


def _coverage(told: list[RoleStatus], limits: Limits) -> Coverage:
    gaps = [(one.role, gap) for one in told for gap in one.gaps]
    return Coverage(
        files=_sum(told, "files"),
        folders=_sum(told, "folders"),
        endpoints=_sum(told, "endpoints"),
        watches=_sum(told, "watches"),
        watches_limit=limits.watches,
        instances_limit=limits.instances,
        unwatched=_sum(told, "unwatched"),
        gaps=tuple(_gap(role, gap) for role, gap in gaps),
        more_gaps=sum(_count(one.more_gaps) for one in told),
    )


def _gap(role: str, gap: Gap) -> OpenGap:
    return OpenGap(role=role, subject=gap.subject, reason=gap.reason, since=_time(gap.started))


def _standing(told: list[RoleStatus], listed: list[Findings]) -> Standing:
    return Standing(
        open=sum(_count(one.open) for one in told),
        removed=sum(_count(one.removed) for one in told),
        suppressed=sum(_count(one.suppressed) for one in told),
        severities={
            severity.label: sum(_count(one.severities.get(severity.label, 0)) for one in told)
            for severity in reversed(Severity)
        },
        worst=_worst(known for one in listed for known in one.open),
        gone=_worst(known for one in listed for known in one.removed),
    )


def _worst(known: Iterable[Tracked]) -> tuple[Tracked, ...]:
    made = (
        msgspec.structs.replace(
            one, first_seen=_time(one.first_seen), last_seen=_time(one.last_seen)
        )
        for one in known
    )
    return tuple(sorted(made, key=lambda one: -one.finding.severity))


def _sink(one: Progress) -> SinkLine:
    return SinkLine(
        name=one.name,
        succeeded=_time(one.at),
        delivered=_count(one.delivered),
        refused=_count(one.refused),
        damaged=_count(one.damaged),
        failing=one.failing,
        since=_time(one.since),
    )


def _policy(active: ActivePolicy) -> ActivePolicy:
    return msgspec.structs.replace(
        active, since=_time(active.since), waivers=_count(active.waivers)
    )


def _problems(
    roles: tuple[RoleLine, ...],
    coverage: Coverage,
    sinks: tuple[SinkLine, ...],
    store: activating.Standing | None,
) -> Iterator[str]:
    """Say what is wrong: what makes the exit status 1."""
    for role in roles:
        if role.state not in {State.RUNNING, State.UNREADABLE}:
            yield f"{role.role} does not run"
        elif role.faults:
            yield f"{role.role} has {words.plural(len(role.faults), 'fault')}"
    yield from (f"sink {one.name} is away" for one in sinks if one.failing)
    if store is not None and store.state == "failed":
        yield "the policy of the store failed"
    if store is not None and store.refused:
        yield f"the policy store is refused: {store.refused}"
    count = len(coverage.gaps) + coverage.more_gaps
    if count:
        yield f"{words.plural(count, 'gap')} in coverage open"


def _unasked(seen: Gathered) -> Iterator[str]:
    """Say that a courier which runs asks no more: a share that hangs lets nobody go on."""
    store, every = seen.store, seen.settings.store.every
    for one in seen.roles:
        if store is not None and one.role == "courier" and one.status is not None:
            silent = seen.now - max(_time(store.polled), _time(one.status.started))
            if not one.status.stopped and silent > 2 * every + _ANSWER:
                yield "the policy store was not asked, or does not answer"


def _store(told: activating.Standing) -> activating.Standing:
    """Give it with times and numbers that can be shown."""
    return msgspec.structs.replace(
        told,
        since=_time(told.since),
        polled=_time(told.polled),
        believed=_time(told.believed),
        editions={layer: _count(number) for layer, number in told.editions.items()},
        versions={role: _count(number) for role, number in told.versions.items()},
        expires={role: _time(at) for role, at in told.expires.items()},
    )


def _sum(told: list[RoleStatus], name: str) -> int:
    return sum(_count(one.numbers.get(name, 0)) for one in told)


def _count(value: int) -> int:
    return min(max(value, 0), _MOST)


def _number(value: float) -> float:
    return value if math.isfinite(value) and value > 0 else 0.0


def _time(value: float) -> float:
    """Give a time that every calendar has, 0 for what is none."""
    return min(_number(value), _LATEST)
