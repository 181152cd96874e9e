"""Measure that nothing is missed: bursts and trees of files with secrets, compared at the receiver.

    python -m tests.bench.watching [--rounds 20] [--files 40000] [--trees 300] [--changes 1000]
        [--kinds burst stopped trees] [--cpu PERCENT]

Each round is an agent with an empty state (`run`, all roles), a receiver (`collect`), mutual TLS
between them, and files that are planted as fast as it goes, under the kernel's own limits. In
`stopped` the watcher does not run while files are planted, so that the kernel's queue overflows
for certain. What readers read is as the kernel counts it, the few KB that each reads of its own
program included. --cpu is the agent's budget. Ends with 1 where anything was missed or is known
that was not planted, or where a gap is not right.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import secrets
import shutil
import signal
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import journal, ledger
from agent.collector import schema
from agent.journal import Record
from agent.settings import Budget
from tests.bench.childreads import Reading
from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = ("burst", "stopped", "trees")
_OVERFLOW = "kernel's event queue overflowed"
_PATIENCE = 900.0
_COMMENT = "# How this service finds its database.\n" * 25


def plant(path: Path) -> int:
    """Write a file of 1 KB with one password of its own and close it; give its bytes."""
    content = f"{_COMMENT}db:\n  password: Pw{secrets.token_urlsafe(15)}x1Q\n".encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)
    return len(content)


def burst(tree: Path, files: int) -> Iterator[Path]:
    """Give so many places in forty folders, which are there before the first is given."""
    folders = [tree / "burst" / str(one) for one in range(40)]
    for folder in folders:
        folder.mkdir(parents=True)
    time.sleep(2)
    yield from (folders[one % 40] / f"{one}.yml" for one in range(files))


def trees(tree: Path, count: int) -> Iterator[Path]:
    """Make so many nested trees at once, each just before its places are given: one a level."""
    for number in range(count):
        folder = tree / "trees" / str(number) / "a" / "b"
        folder.mkdir(parents=True)
        yield from (place / "app.yml" for place in (folder, folder.parent, folder.parent.parent))


class Round(NamedTuple):
    """What came of one. wrong: paths missed or not planted; read: for each byte that was written.

    gaps: of overflows, in seconds since the first file; sound: they cover what may have been lost.
    """

    kind: str
    files: int
    wrong: set[str]
    seconds: float
    processor: float
    read: float
    gaps: tuple[tuple[float, float], ...]
    sound: bool

    def __str__(self) -> str:
        gaps = ", ".join(f"{start:.1f} to {end:.1f} s" for start, end in self.gaps) or "none"
        return (
            f"{self.kind}: {self.files} files, {len(self.wrong)} wrong, {self.seconds:.1f} s,"
            f" {self.processor:.1f} s of processor, read {self.read:.2f} of what was written,"
            f" overflows: {gaps}{'' if self.sound else ' NOT SOUND'}"
        )


def measured(kind: str, size: int, work: Path, cpu: int) -> Round:
    """Go one round. cpu: percent of a core."""
    folder = Path(tempfile.mkdtemp(prefix="watching-", dir=work))
    fleet = Fleet(folder, budget={"cpu": cpu})
    try:
        fleet.start()
        places = trees(fleet.tree, size) if kind == "trees" else burst(fleet.tree, size)
        return _round(fleet, kind, places)
    finally:
        fleet.end()
        shutil.rmtree(folder)


def _round(fleet: Fleet, kind: str, places: Iterator[Path]) -> Round:
    fleet.until(lambda: fleet.watcher is not None)
    assert fleet.watcher is not None
    pid = fleet.watcher.pid
    reading = Reading(pid)
    fleet.until(lambda: reading.idle)
    reading.start()
    first = next(places)
    if kind == "stopped":
        os.kill(pid, signal.SIGSTOP)
        _wait(lambda: _stopped(pid))
    begun = time.time()
    planted = {str(path): plant(path) for path in (first, *places)}
    planted_by = time.time()
    os.kill(pid, signal.SIGCONT)
    _wait(lambda: _open(fleet) >= len(planted))
    seconds = time.time() - begun
    _wait(lambda: all(gap["ended"] for gap in fleet.gaps()))
    read = reading.total() / sum(planted.values())
    wrong = {row["path"] for row in fleet.rows("--most", "1000000")} ^ planted.keys()
    told = fleet.gaps()
    gaps = tuple((gap["started"] - begun, gap["ended"] - begun) for gap in _overflows(told))
    sound = all(gap["ended"] for gap in told) and fleet.watcher.pid == pid
    if kind == "stopped":
        sound = sound and any(start <= 0 and planted_by - begun <= end for start, end in gaps)
    return Round(kind, len(planted), wrong, seconds, _ended(fleet), read, gaps, sound)


def _wait(true: Callable[[], bool]) -> None:
    """Wait until something is true, or for so long that the oracle has to say what is missing."""
    end = time.monotonic() + _PATIENCE
    while not true() and time.monotonic() < end:
        time.sleep(0.5)


def _stopped(pid: int) -> bool:
    """Say whether no thread of a process runs any more, which takes a while after SIGSTOP."""
    told = [one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(one.rpartition(") ")[2].startswith("T") for one in told)


def _open(fleet: Fleet) -> int:
    """Count the open findings in the receiver's file, which costs it next to nothing."""
    path = fleet.world.receiver.state / schema.NAME
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
        [[count]] = base.execute("SELECT count(*) FROM findings WHERE status = 'open'")
        return int(count)


def _overflows(gaps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [gap for gap in gaps if gap["reason"].startswith(_OVERFLOW)]


def _ended(fleet: Fleet) -> float:
    """End the agent; give the seconds of processor time that all its processes used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    fleet.end_agent()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def latency(changes: int, work: Path) -> list[float]:
    """Give the milliseconds from close to event for so many changes, one after the other."""
    folder, rng = Path(tempfile.mkdtemp(prefix="watching-", dir=work)), random.Random(7)
    fleet = Fleet(folder)
    try:
        fleet.start()
        closed: dict[str, float] = {}
        for number in range(changes):
            path = fleet.tree / f"file{number % 97}-{number}.yml"
            plant(path)
            closed[str(path)] = time.time()
            time.sleep(rng.uniform(0.0, 0.06))
        _wait(lambda: _open(fleet) >= changes)
        fleet.end_agent()
        seen = dict(_told(fleet))
        return sorted(1000 * (seen[path] - when) for path, when in closed.items() if path in seen)
    finally:
        fleet.end()
        shutil.rmtree(folder)


def _told(fleet: Fleet) -> Iterator[tuple[str, float]]:
    """Give the path and time of each finding in what the watcher handed over."""
    place = str(fleet.state / "watcher" / "journal")
    for stream in journal.streams(place):
        records = [one for one in journal.read(place, stream, 0) if isinstance(one, Record)]
        for event in ledger.told(records):
            if event.finding is not None:
                yield event.finding.location.path, event.at


def main() -> int:
    """Measure, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS)
    parser.add_argument("--files", type=int, default=40_000)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--cpu", type=int, default=Budget().cpu)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    told = parser.parse_args()
    if told.changes:
        times = latency(told.changes, told.work)
        cuts = statistics.quantiles(times, n=100)
        print(
            f"latency of {len(times)} of {told.changes} changes in ms: median {cuts[49]:.0f},"
            f" p90 {cuts[89]:.0f}, p99 {cuts[98]:.0f}, most {times[-1]:.0f}"
        )
    failed = False
    for kind in told.kinds:
        for _ in range(told.rounds):
            size = told.trees if kind == "trees" else told.files
            one = measured(kind, size, told.work, told.cpu)
            print(one, flush=True)
            failed = failed or bool(one.wrong) or not one.sound
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
