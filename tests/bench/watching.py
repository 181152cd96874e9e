"""Measure the watcher: how soon a closed file is a finding, and bursts nothing of which is missed.

    python tests/bench/watching.py [--changes 1000] [--rounds 20] [--files 40000] [--trees 300]

It watches folders of its own below --work with the kernel's own limits, and prints a table.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import shutil
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from agent import journal, ledger, settings
from agent.daemon import by_pipe
from agent.events import Event, Kind
from agent.journal import Record
from agent.roles import watcher

OPENING = frozenset((Kind.OPENED, Kind.CHANGED))


def content() -> bytes:
    """Give a file with one password of its own."""
    return f"db:\n  host: db1\n  password: Pw{secrets.token_urlsafe(15)}x1Q\n".encode()


def plant(path: str) -> float:
    """Write a file; give when it was closed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, content())
    os.close(descriptor)
    return time.time()


class Role:
    """A watcher of one folder, in a process of its own, and what it has told so far."""

    def __init__(self, work: Path) -> None:
        self.root, self.state = work / "watched", work / "state"
        self.root.mkdir(parents=True, exist_ok=True)
        self.told: list[Event] = []
        self._last = 0
        raw = {"version": 1, "state": str(self.state), "watch": {"roots": [str(self.root)]}}
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            with contextlib.suppress(KeyboardInterrupt):
                watcher.run(
                    settings.from_mapping(raw),
                    by_pipe(theirs),
                    watcher.Readings(lambda: None, lambda: None),
                )
            os._exit(0)
        os.close(theirs)
        os.read(ours, 1)

    def hear(self) -> list[Event]:
        """Take what was told since the last time."""
        folder = str(self.state / "watcher" / "journal")
        events: list[Event] = []
        for stream in journal.streams(folder):
            found = journal.read(folder, stream, self._last)
            records = [one for one in found if isinstance(one, Record)]
            self._last = records[-1].sequence if records else self._last
            events += ledger.told(records)
        self.told += events
        return events

    def until(self, missing: set[str], seconds: float) -> float:
        """Wait until every path of MISSING has a finding; give how long that took."""
        started = time.monotonic()
        while missing and time.monotonic() - started < seconds:
            for event in self.hear():
                if event.finding and event.kind in OPENING:
                    missing.discard(event.finding.location.path)
            time.sleep(0.05)
        return time.monotonic() - started

    def processor(self) -> float:
        """Give the seconds of processor time that it and its readers used."""
        total = 0.0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if str(self.pid) in {path.parent.name, fields[1]}:
                    total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total

    def end(self) -> None:
        """Stop it."""
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)


def latency(role: Role, changes: int, rng: random.Random) -> list[float]:
    """Give the milliseconds from close to event for so many changes, one after the other."""
    closed: dict[str, float] = {}
    for number in range(changes):
        path = str(role.root / f"file{number % 97}-{number}.yml")
        closed[path] = plant(path)
        time.sleep(rng.uniform(0.0, 0.06))
    role.until(set(closed), 60)
    seen = {e.finding.location.path: e.at for e in role.told if e.finding}
    return sorted(1000 * (seen[path] - when) for path, when in closed.items() if path in seen)


def burst(role: Role, files: int, number: int) -> set[str]:
    """Write so many files as fast as it goes, in forty folders that are there already."""
    folders = [role.root / f"burst{number}" / str(one) for one in range(40)]
    for folder in folders:
        folder.mkdir(parents=True)
    time.sleep(0.5)
    planted = {str(folders[one % 40] / f"{one}.yml") for one in range(files)}
    for path in planted:
        plant(path)
    return planted


def trees(role: Role, count: int, number: int) -> set[str]:
    """Make so many nested trees at once, with a file on each level."""
    planted = set()
    for tree in range(count):
        folder = role.root / f"trees{number}" / str(tree) / "a" / "b"
        folder.mkdir(parents=True)
        for place in (folder, folder.parent, folder.parent.parent):
            path = str(place / "app.yml")
            plant(path)
            planted.add(path)
    return planted


def gaps(events: list[Event]) -> str:
    """Say how many overflows were told, and how many of their gaps were closed."""
    told = [event.gap for event in events if event.gap]
    opened = sum(not one.ended for one in told)
    return f"{opened} gaps, {sum(bool(one.ended) for one in told)} closed"


def main() -> None:
    """Run all three and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--files", type=int, default=40_000)
    parser.add_argument("--trees", type=int, default=300)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    told = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="watching-", dir=told.work))
    role = Role(work)
    try:
        times = latency(role, told.changes, random.Random(7))
        cuts = statistics.quantiles(times, n=100)
        print(
            f"latency of {len(times)} of {told.changes} changes in ms: median {cuts[49]:.0f},"
            f" p90 {cuts[89]:.0f}, p99 {cuts[98]:.0f}, most {times[-1]:.0f}"
        )
        for name, make, size in (("burst", burst, told.files), ("trees", trees, told.trees)):
            for number in range(told.rounds):
                before, used = len(role.told), role.processor()
                missing = make(role, size, number)
                count = len(missing)
                took = role.until(missing, 300)
                time.sleep(0.5)
                role.hear()
                print(
                    f"{name} {number}: {count} files, missed {len(missing)}, {took:.1f} s,"
                    f" {role.processor() - used:.1f} s of processor, {gaps(role.told[before:])}"
                )
                sys.stdout.flush()
                shutil.rmtree(role.root / f"{name}{number}")
    finally:
        role.end()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
