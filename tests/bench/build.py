"""Measure `hygiene-agent run` under a build: what processor time it takes, and what it misses.

    python tests/bench/build.py [--rate 2000] [--seconds 60] [--budget 25] [--print]

A build writes sources, lists of what they need, JSON files, and objects, these under another name
first. One file in a hundred holds a password. It ends with 1 if one of them is missed. The table is
printed, and put into results-daemon.md but with --print.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import platform
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import journal, ledger, snapshot
from agent.journal import Record
from agent.rolestatus import RoleStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.events import Event

PROGRAM: Final = str(Path(sys.executable).parent / "hygiene-agent")
RESULTS: Final = Path(__file__).parent / "results-daemon.md"
TITLE: Final = "## Under a build"
_ROLES: Final = ("watcher", "prober", "courier")
_TICK: Final = os.sysconf("SC_CLK_TCK")
_WINDOW: Final = 10
_FOLDER: Final = 500
"""Files of one folder."""
_KINDS: Final = (".o", ".c", ".d", ".o", ".json")
_MANY: Final = 100
"""One file in so many holds a password, and so many texts of each kind are made."""


# What a build writes


def place(root: Path, number: int) -> str:
    """Give the path of a file by its number."""
    kind = _KINDS[number % len(_KINDS)]
    return str(root / f"part{number // _FOLDER}" / f"unit{number}{kind}")


def planted(number: int) -> bool:
    """Say whether a file holds a password: sources and JSON files do."""
    return number % _MANY in {1, 4} and number // _MANY % 2 == 0


def contents(rng: random.Random) -> dict[str, list[bytes]]:
    """Make what the files of each kind hold, but for passwords."""
    return {
        ".o": [_object(rng) for _ in range(_MANY)],
        ".c": [_source(rng) for _ in range(_MANY)],
        ".d": [_needs(rng) for _ in range(_MANY)],
        ".json": [_json(rng) for _ in range(_MANY)],
    }


def _name(rng: random.Random) -> str:
    parts = ("table", "lookup", "buffer", "parse", "node", "state", "emit", "copy", "index", "next")
    return "_".join(rng.choices(parts, k=rng.randrange(2, 5)))


def _object(rng: random.Random) -> bytes:
    """Make 2 to 30 KB that begin as an object file does: code, then names."""
    code = rng.randbytes(rng.randrange(1500, 20_000)).replace(b"\xff", b"\0\0\0")
    names = b"\0".join(_name(rng).encode() for _ in range(rng.randrange(20, 300)))
    return b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x01\0\x3e\0" + code + b"\0" + names + b"\0"


def _source(rng: random.Random) -> bytes:
    lines = (
        f"static int {_name(rng)}(struct {_name(rng)} *one, int {_name(rng)})\n"
        f"{{\n\treturn one->{_name(rng)} + {rng.randrange(10**6)};\n}}\n"
        for _ in range(rng.randrange(5, 80))
    )
    return "\n".join(("#include <stdio.h>\n", *lines)).encode()


def _needs(rng: random.Random) -> bytes:
    headers = (f" \\\n  /usr/include/{_name(rng)}.h" for _ in range(rng.randrange(5, 60)))
    return ("unit.o: unit.c" + "".join(headers) + "\n").encode()


def _json(rng: random.Random) -> bytes:
    packages = {_name(rng): f"{rng.randrange(9)}.{rng.randrange(30)}.1" for _ in range(40)}
    return json.dumps({"name": _name(rng), "dependencies": packages}, indent=2).encode()


def password(kind: str) -> bytes:
    """Give what is put behind a file, so that it holds a password of its own."""
    value = f"Pw{secrets.token_urlsafe(15)}x1Q"
    if kind == ".json":
        return f'\n{{"database": {{"user": "app", "password": "{value}"}}}}\n'.encode()
    return f'\nstatic const char *db_password = "{value}";\n'.encode()


def build(root: Path, rate: int, seconds: int, rng: random.Random) -> float:
    """Write all files at a rate, a fiftieth of a second's at once; give the seconds it took."""
    texts, begun = contents(rng), time.monotonic()
    for number in range(rate * seconds):
        if number % _FOLDER == 0:
            os.mkdir(os.path.dirname(place(root, number)))
        if number % max(rate // 50, 1) == 0:
            time.sleep(max(begun + number / rate - time.monotonic(), 0))
        write(place(root, number), texts, rng, secret=planted(number))
    return time.monotonic() - begun


def write(path: str, texts: dict[str, list[bytes]], rng: random.Random, *, secret: bool) -> None:
    """Write one file as a compiler or another tool does."""
    kind = os.path.splitext(path)[1]
    with open(path + ".tmp" * (kind == ".o"), "wb") as file:
        file.write(rng.choice(texts[kind]) + (password(kind) if secret else b""))
    if kind == ".o":
        os.rename(path + ".tmp", path)


# The agent, and what it takes


class Agent:
    """`hygiene-agent run` on one folder."""

    def __init__(self, work: Path, budget: int) -> None:
        self.root, self.state = work / "watched", work / "state"
        self.gaps = {"told": 0, "closed": 0}
        self._last = 0
        self.root.mkdir()
        told = {
            "version": 1,
            "state": str(self.state),
            "watch": {"roots": [str(self.root)]},
            "budget": {"cpu": budget},
            "sinks": {"here": {"kind": "file"}},
        }
        (work / "agent.yaml").write_text(json.dumps(told))
        self._process = subprocess.Popen([PROGRAM, "run", "--settings", str(work / "agent.yaml")])
        self.pids = {"all processes": self._process.pid}

    def begin(self) -> None:
        """Wait until every role runs and has come to rest."""
        end = time.monotonic() + 60
        while set(_ROLES) - self.pids.keys():
            assert time.monotonic() < end, f"only {[*self.pids]} began"
            time.sleep(0.2)
            for role in _ROLES:
                status = snapshot.read(self.state / role / "published" / "status", RoleStatus)
                if status is not None:
                    self.pids[role] = status.pid
        time.sleep(15)

    def found(self, missing: set[str]) -> None:
        """Take what has a finding in the outbox by now out of MISSING; count gaps."""
        for event in self._hear():
            if event.gap:
                self.gaps["closed" if event.gap.ended else "told"] += 1
            if event.finding:
                missing.discard(event.finding.location.path)

    def _hear(self) -> Iterator[Event]:
        folder = str(self.state / "watcher" / "journal")
        for stream in journal.streams(folder):
            found = journal.read(folder, stream, self._last)
            records = [one for one in found if isinstance(one, Record)]
            self._last = records[-1].sequence if records else self._last
            yield from ledger.told(records)

    def used(self) -> dict[str, float]:
        """Give the seconds of processor time that each role used, with its children, and all."""
        processes = dict(_processes())
        return {name: _used(pid, processes) for name, pid in self.pids.items()}

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(60)


class Process(NamedTuple):
    """One process. seconds: of processor time, of itself and of children that it waited for."""

    parent: int
    seconds: float


def _processes() -> Iterator[tuple[int, Process]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            yield (
                int(path.parent.name),
                Process(int(fields[1]), sum(map(int, fields[11:15])) / _TICK),
            )


def _used(pid: int, processes: dict[int, Process]) -> float:
    below = (one for one, process in processes.items() if process.parent == pid)
    own = processes[pid].seconds if pid in processes else 0.0
    return own + sum(_used(one, processes) for one in below)


class Samples:
    """Processor time by name, a sample a second."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._taken: list[tuple[float, dict[str, float]]] = []

    def take(self) -> None:
        """Take one, a second after the last."""
        last = self._taken[-1][0] if self._taken else 0.0
        time.sleep(max(last + 1 - time.monotonic(), 0))
        self._taken.append((time.monotonic(), self._agent.used()))

    def percent(self, name: str, span: int) -> list[float]:
        """Give percent of one core in every span of so many seconds."""
        recent: deque[tuple[float, float]] = deque(maxlen=span + 1)
        found = []
        for at, used in self._taken:
            recent.append((at, used[name]))
            if len(recent) > span:
                (then, before), (now, after) = recent[0], recent[-1]
                found.append(100 * (after - before) / (now - then))
        return found


# What came of it


class Measured(NamedTuple):
    """What one run gave. wrote: seconds of the build; caught_up: seconds after its end."""

    files: int
    secrets: int
    wrote: float
    caught_up: float
    missed: list[str]


def run(agent: Agent, samples: Samples, told: argparse.Namespace) -> Measured:
    """Build, and take samples until everything that was planted is in the outbox."""
    count = told.rate * told.seconds
    every = {place(agent.root, number) for number in range(count) if planted(number)}
    missing, begun = set(every), time.time()
    writer = os.fork()
    if writer == 0:
        build(agent.root, told.rate, told.seconds, random.Random(7))
        os._exit(0)
    samples.take()
    while not os.waitpid(writer, os.WNOHANG)[0]:
        samples.take()
        agent.found(missing)
    ended = os.stat(place(agent.root, count - 1)).st_mtime
    while missing and time.time() < ended + told.patience:
        samples.take()
        agent.found(missing)
    return Measured(count, len(every), ended - begun, time.time() - ended, sorted(missing))


def report(told: argparse.Namespace, came: Measured, samples: Samples, agent: Agent) -> str:
    """Write the table."""
    wrote = f"{came.files:,} in {came.wrote:.0f} s, {came.secrets:,} with a password"
    gaps = ", ".join(f"{count} {what}" for what, count in agent.gaps.items())
    rows = [
        ("what", "limit", "measured"),
        ("---", "---", "---"),
        ("files written", f"{told.rate:,} a second", wrote),
        ("missed", "none", f"{len(came.missed)}; gaps: {gaps}"),
        ("from the last file to the last finding in the outbox", "-", f"{came.caught_up:.0f} s"),
    ]
    for name in agent.pids:
        each, windows = samples.percent(name, 1), samples.percent(name, _WINDOW)
        within = f"{told.budget} %" if name in _ROLES else "-"
        median = f"median {statistics.median(each):.1f} %"
        worst = f"worst {_WINDOW} s {max(windows):.1f} %"
        rows.append((f"processor time of one core, {name}", within, f"{median}, {worst}"))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def circumstances(told: argparse.Namespace) -> str:
    """Say what the figures hold for."""
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"`build.py --rate {told.rate} --seconds {told.seconds} --budget {told.budget}`,"
        f" {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} after),"
        f" Python {platform.python_version()}, {today}. A role counts with its readers; samples of"
        " a second, from the first file to the last finding."
    )


def keep(text: str) -> None:
    """Put the section into the results, in place of the last one."""
    before, _, after = RESULTS.read_text().partition(f"{TITLE}\n")
    rest = after.partition("\n## ")
    RESULTS.write_text(f"{before.rstrip()}\n\n{TITLE}\n\n{text}\n{''.join(rest[1:])}")


def main() -> int:
    """Run it, print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--budget", type=int, default=25)
    parser.add_argument("--patience", type=float, default=1800)
    parser.add_argument("--print", action="store_true", dest="only", help="do not keep the table")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()))
    told = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="build-", dir=told.work))
    agent = Agent(work, told.budget)
    try:
        agent.begin()
        samples = Samples(agent)
        came = run(agent, samples, told)
        text = f"{circumstances(told)}\n\n{report(told, came, samples, agent)}"
        print(text)
        if not told.only:
            keep(text)
    finally:
        agent.end()
        shutil.rmtree(work)
    return 1 if came.missed else 0


if __name__ == "__main__":
    sys.exit(main())
