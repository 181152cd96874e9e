"""Let everything go wrong at random under load, then compare the receivers with what is there.

    python -m tests.bench.soak [--kills 500] [--faults 0] [--seed N] [--work DIR]

A whole agent (`run`) on a host of its own, and what it reports to by mutual TLS: our receiver,
rsyslogd, an HTTPS peer. A writer plants, changes, moves and removes secrets. What goes wrong stands
in `soaking/faults.py`; it goes on until there were so many kills and so many faults, and each kind.
In the end the receiver has to know exactly the secrets that stand in files, and to have every event
once; ends with 1 if not. It needs root, and runs from the top of the source tree.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.agent.sinks import rsyslogd
from tests.bench.soaking import verdict
from tests.bench.soaking.faults import FAULTS, Fault, drawn
from tests.bench.soaking.world import World, apart

_INSIDE: Final = "--inside"
_LASTING: Final = (1.0, 6.0)
"""Seconds."""
_PAUSE: Final = 0.05
"""Seconds between two changes, at the most."""
_MARKER: Final = "marker.yml"


class Soak:
    """Faults, of which several may last at a time."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, world.rng
        self._draw = drawn(world.rng)
        self._lasting: dict[Fault, float] = {}
        self.begun: Counter[str] = Counter()

    def run(self, kills: int, faults: int) -> None:
        """Go on until there were so many, and each kind."""
        wanted = max(faults, len(FAULTS) if kills or faults else 0)
        said = 0
        while self._world.killed.total() < kills or self.begun.total() < wanted:
            self._step()
            if self.begun.total() >= said + 25:
                said = self.begun.total()
                print(f"{said} faults, {self._world.killed.total()} kills", flush=True)
        self._end(float("inf"))

    def _step(self) -> None:
        """Change some files, and have the next thing go wrong."""
        for _ in range(self._rng.randrange(60)):
            self._world.load.change()
            time.sleep(self._rng.random() * _PAUSE)
        self._end(time.monotonic())
        self._world.tend()
        fault = next(self._draw)
        if fault in self._lasting:
            return
        self.begun[fault.name] += 1
        fault.begin(self._world)
        if fault.end is not None:
            self._lasting[fault] = time.monotonic() + self._rng.uniform(*_LASTING)

    def _end(self, now: float) -> None:
        """End what lasted long enough."""
        for fault in [one for one, until in self._lasting.items() if until <= now]:
            del self._lasting[fault]
            assert fault.end is not None
            fault.end(self._world)


def settle(world: World, patience: float) -> list[str]:
    """Wait until nothing is wrong any more; give what is, and say how things stand."""
    end = time.monotonic() + patience
    while True:
        world.tend()
        wrong, shown = _looked(world)
        if not wrong or time.monotonic() > end:
            print(shown)
            return wrong
        time.sleep(1)


def _looked(world: World) -> tuple[list[str], str]:
    try:
        seen = verdict.look(world)
    except (LookupError, OSError, StopIteration, ValueError, sqlite3.Error) as error:
        return [f"cannot be looked at: {error}"], ""
    counted = f"{len(seen.truth)} secrets in files, {seen.taken} events, {seen.repeated} came again"
    hours = f"over {seen.hours:.0f} hours of the agent's clock"
    return verdict.judge(seen), f"{counted}, {hours}, {seen.syslog} at rsyslogd"


def alone(world: World, patience: float) -> list[str]:
    """Take rsyslogd away: the receiver has to hear the news all the same, and rsyslogd later.

    The news is a new secret, and a server that goes while nobody looks.
    """
    world.syslog.leave()
    world.agent.leave()
    world.server.leave()
    world.load.plant(_MARKER)
    world.agent.come()
    wrong = settle(world, patience)
    world.syslog.come()
    end = time.monotonic() + patience
    received = world.work / "syslog" / rsyslogd.RECEIVED
    while _MARKER.encode() not in received.read_bytes():
        world.tend()
        if time.monotonic() > end:
            return [*wrong, "rsyslogd never heard of what happened while it was away"]
        time.sleep(1)
    return wrong


def soaked(world: World, told: argparse.Namespace) -> list[str]:
    """Begin when the agent is at work, let things go wrong, and give what is wrong in the end."""
    started = time.monotonic()
    world.load.plant("first.yml")
    if wrong := settle(world, told.patience):
        return wrong
    soak = Soak(world)
    soak.run(told.kills, told.faults)
    for name, count in sorted(soak.begun.items()):
        print(f"{count:5} {name}")
    print(f"killed {dict(world.killed)}, {world.load.changes} changes")
    print(f"{time.monotonic() - started:.0f} s of faults", flush=True)
    return settle(world, told.patience) or alone(world, told.patience)


def inside(told: argparse.Namespace) -> int:
    """Run it on this host, which has to be one of its own; say what came of it."""
    work = Path(tempfile.mkdtemp(prefix="soak-", dir=told.work))
    print(f"seed {told.seed}, {work}", flush=True)
    world, started = World(work, random.Random(told.seed)), time.monotonic()
    try:
        wrong = soaked(world, told)
    finally:
        status = world.stop()
    if status != 0:
        wrong.append(f"the agent ended with {status} when it was asked to")
    print(f"{time.monotonic() - started:.0f} s in all")
    print("\n".join(wrong) or "nothing lost, nothing twice")
    if wrong:  # its disks go with this host
        for name in ("state", "collector"):
            shutil.copytree(work / name, work / f"{name}-kept")
        return 1
    shutil.rmtree(work, ignore_errors=True)
    return 0


def main() -> int:
    """Run it on a host of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--faults", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--patience", type=float, default=600, help="Seconds to settle in.")
    parser.add_argument(_INSIDE, action="store_true", help="This host may be ruined.")
    told = parser.parse_args()
    if told.inside:
        return inside(told)
    command = [sys.executable, "-m", "tests.bench.soak", *sys.argv[1:]]
    return subprocess.run(
        apart([*command, _INSIDE, "--seed", str(told.seed)]), check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
