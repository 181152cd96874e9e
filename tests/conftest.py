"""Run the installed command as people run it: a process of its own, isolated, its state apart."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A shared machine may pause for longer than hypothesis allows an example.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")
# What is started in the background of a shell ignores these, and so would its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

NOBODY = 65534
_COMMAND = (sys.executable, "-I", "-m", "agent")
_AS_NOBODY = f"""
import encodings, importlib, os, pkgutil
import agent, checks
for package in (encodings, agent, checks):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not found.name.endswith((".__main__", ".mbcs", ".oem")):
            importlib.import_module(found.name)
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
agent.cli.main()
"""
"""Loads everything, then becomes nobody: root's interpreter may be in a folder only root reads."""
_SAMPLED = 0.02


class Measured(NamedTuple):
    """What a run took, all its processes together.

    seconds: of wall clock; cpu: seconds of all processors; peak: bytes of memory.
    """

    done: subprocess.CompletedProcess[str]
    seconds: float
    cpu: float
    peak: int


class Hygiene:
    """The command, with a state folder."""

    def __init__(self, state: Path, command: tuple[str, ...] = _COMMAND) -> None:
        self.state = state
        self.command = command

    def start(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        stdout: int = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start the command in a session of its own; its output is decoded as UTF-8."""
        return subprocess.Popen(
            [*self.command, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=os.environ | {"HYGIENE_AGENT_STATE": str(self.state)} | (env or {}),
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
        )

    def __call__(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        stdout: int = subprocess.PIPE,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end; no run may ever print a traceback."""
        with self.start(*words, cwd=cwd, env=env, stdout=stdout) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def report(self, *words: str | Path, cwd: Path | None = None) -> tuple[int, dict[str, Any]]:
        """Scan with JSON output: exit status and report."""
        done = self("scan", "--format", "json", *words, cwd=cwd)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    def measured(self, *words: str | Path, timeout: float = 60) -> Measured:
        """Run the command and watch what it takes."""
        begun, cpu = time.monotonic(), _cpu()
        with self.start(*words) as process:
            watch = threading.Thread(target=_sample, args=(process, peaks := [0]))
            watch.start()
            out, err = process.communicate(timeout=timeout)
            seconds = time.monotonic() - begun
        watch.join()
        assert "Traceback" not in err, err
        done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
        return Measured(done, seconds, _cpu() - cpu, max(peaks))


def _cpu() -> float:
    """Give the seconds that all processes we waited for have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def members(session: int) -> list[int]:
    """List the live processes of a session."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(name))
    return found


def _sample(process: subprocess.Popen[str], peaks: list[int]) -> None:
    while process.poll() is None:
        peaks.append(sum(map(_proportional, members(process.pid))))
        time.sleep(_SAMPLED)


def _proportional(pid: int) -> int:
    """Give a process's share of memory in bytes: what several share is divided among them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private folder that all test processes share, so that rules are compiled once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "state"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def hygiene(state: Path) -> Hygiene:
    """The command as whoever runs the tests."""
    return Hygiene(state)


@pytest.fixture(scope="session")
def person(hygiene: Hygiene) -> Iterator[Hygiene]:
    """The command as a user without privileges: nobody, when root runs the tests."""
    if os.geteuid():
        yield hygiene
        return
    hygiene("explain", "weak-password")
    with tempfile.TemporaryDirectory(prefix="hygiene-person-") as folder:
        copy = Path(folder, "state")
        shutil.copytree(hygiene.state, copy, ignore=shutil.ignore_patterns(".*"))
        for path in (Path(folder), copy, *copy.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        yield Hygiene(copy, (sys.executable, "-I", "-c", _AS_NOBODY))


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder; pytest's own has the test's name in it, and reads as a test's data."""
    with tempfile.TemporaryDirectory(prefix="hygiene-") as name:
        yield Path(name)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that belongs to `person` and that others can reach."""
    with tempfile.TemporaryDirectory(prefix="hygiene-home-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        if not os.geteuid():
            os.chown(path, NOBODY, NOBODY)
        yield path


@pytest.fixture
def make_password() -> Callable[[str], str]:
    """Make a password of 16 characters that stands nowhere; the same seed, the same password."""

    def make(seed: str) -> str:
        rng = random.Random(seed)
        body = [rng.choice(string.ascii_letters + string.digits) for _ in range(12)]
        return "k7" + "".join(body) + "!Q"

    return make


@pytest.fixture
def password(make_password: Callable[[str], str]) -> str:
    """A password for tests that need one."""
    return make_password("a test")
