"""Compare what arrived with what there is: nothing lost, nothing twice, nobody fell over."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.agent.sinks import rsyslogd
from tests.bench.soaking.world import AGENT, HOST, SERVER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.soaking.world import World

_ROLES: Final = ("courier", "prober", "supervisor", "watcher")


class Seen(NamedTuple):
    """What there is to compare.

    truth, open: where something is wrong, and what the receiver has as open; made: the
    number of the last event of each stream at its role, arrived: at the receiver; taken, repeated:
    events that it counted once, and that came again; lost: numbers that never came, events that
    were dropped, findings left out; apart: streams whose last digest was not right; ids: events
    that the peer has, each once; syslog: lines at rsyslogd; unexpected: ends of our own processes
    without a reason; tracebacks: in their logs.
    """

    truth: frozenset[str]
    open: frozenset[str]
    made: dict[str, int]
    arrived: dict[str, int]
    taken: int
    repeated: int
    lost: int
    apart: int
    ids: frozenset[str]
    hours: float
    syslog: int
    unexpected: int
    tracebacks: int


def judge(seen: Seen) -> list[str]:
    """Say what is wrong; nothing if all is well."""
    differ = sorted(seen.truth ^ seen.open)
    told = [f"{'missed' if one in seen.truth else 'left over'}: {one}" for one in differ[:20]]
    late = {name for name, last in seen.made.items() if seen.arrived.get(name, 0) < last}
    sent = sum(seen.arrived.values())
    unknown = {f"{name}-{one}" for name, last in seen.made.items() for one in range(1, last + 1)}
    wrong = {
        f"streams of which not all arrived: {len(late)}": late,
        f"streams that roles began anew: {len(seen.arrived) - len(seen.made)}": seen.arrived.keys()
        - seen.made.keys(),
        f"{seen.taken} events counted of {sent} there are": seen.taken != sent,
        f"lost on the way: {seen.lost}": seen.lost,
        f"streams out of step: {seen.apart}": seen.apart,
        f"events that the peer does not have: {len(unknown - seen.ids)}": unknown - seen.ids,
        "rsyslogd has nothing": not seen.syslog,
        f"processes that ended by themselves: {seen.unexpected}": seen.unexpected,
        f"tracebacks in logs: {seen.tracebacks}": seen.tracebacks,
    }
    return told + [what for what, is_so in wrong.items() if is_so]


def look(world: World) -> Seen:
    """See how things stand; what is made first, so that what arrived may only be more."""
    work = world.work
    made = dict(_made(work / "state" / role / "state.sqlite") for role in _ROLES)
    with _opened(next((work / "collector").glob("*.sqlite"))) as base:
        [[taken, repeated, lost]] = base.execute(
            "SELECT sum(events), sum(repeated), sum(dropped + left_out) FROM hosts"
        )
        [[missing]] = base.execute("SELECT coalesce(sum(last - first + 1), 0) FROM missing")
        [[apart]] = base.execute("SELECT count(*) FROM streams WHERE apart > 0")
        arrived = dict(base.execute("SELECT name, last FROM streams").fetchall())
    lines = list(map(json.loads, (work / "peer" / "received").read_bytes().splitlines()))
    times = [line["time"] for line in lines]
    logs = "".join(path.read_text(errors="replace") for path in work.glob("*.log"))
    return Seen(
        truth=world.truth,
        open=_open(work / "collector", (f"{work / 'watched'}/", SERVER)),
        made=made,
        arrived=arrived,
        taken=taken,
        repeated=repeated,
        lost=lost + missing,
        apart=apart,
        ids=frozenset(line["metadata"]["uid"] for line in lines),
        hours=(max(times) - min(times)) / 3_600_000,
        syslog=(work / "syslog" / rsyslogd.RECEIVED).read_bytes().count(b"\n"),
        unexpected=world.unexpected,
        tracebacks=logs.count("Traceback"),
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as base:
        yield base


def _made(path: Path) -> tuple[str, int]:
    with _opened(path) as base:
        [[stream]] = base.execute("SELECT value FROM meta WHERE name = 'stream'")
        [[last]] = base.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
    return stream, last


def _open(state: Path, below: tuple[str, ...]) -> frozenset[str]:
    """Give the paths that begin so of the open findings that the receiver has."""
    words = ("collect", "show", "--host", HOST, "--most", "1000000", "--state", str(state))
    done = subprocess.run([*AGENT, *words], capture_output=True, check=False)
    if done.returncode:
        return frozenset()
    found = json.loads(done.stdout)["findings"]
    paths = (row["path"] for row in found if row["status"] == "open")
    return frozenset(path for path in paths if path.startswith(below))
