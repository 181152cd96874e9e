"""A small system under a real systemd with our units in it, apart from the host: systemd.sh."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_SCRIPT = Path(__file__).with_name("systemd.sh")
_SOURCE = Path(agent.__file__).parents[1]
_UNITS = Path(__file__).parents[2] / "systemd"
_KINDS = ("mount", "pid", "ipc", "uts", "net", "cgroup", "root", "wd")
TARGET = "hygiene-agent.target"
STATE = "var/lib/hygiene-agent"
PATIENCE = 60.0
"""Seconds in which what others do is done, however busy the machine is."""


def refusal() -> str:
    """Say why there can be no such system here, "" where there can."""
    if os.geteuid() or not shutil.which("unshare"):
        return "needs root and unshare for namespaces"
    kinds = [f"--{kind}" for kind in _KINDS if kind not in {"root", "wd"}]
    done = subprocess.run(["unshare", "--fork", *kinds, "true"], check=False, capture_output=True)
    return "this host allows no namespaces" if done.returncode else ""


def until(true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


class Process(NamedTuple):
    """A process of a unit. pid: as the host has it; inside: as the system has it."""

    pid: int
    inside: int
    status: dict[str, str]

    @property
    def root(self) -> Path:
        """What it sees as its root."""
        return Path(f"/proc/{self.pid}/root")

    def is_in(self, other: Self, kind: str) -> bool:
        """Say whether it shares a namespace with another."""
        own, theirs = (os.readlink(f"/proc/{pid}/ns/{kind}") for pid in (self.pid, other.pid))
        return own == theirs


class Machine:
    """The system, from its boot to its end."""

    def __init__(self, tree: Path | None = None) -> None:
        """Boot a small system of the host's parts with our units, or a copy of a whole Debian."""
        self._place = Path(tempfile.mkdtemp(prefix="hygiene-system-"))
        ours = (_UNITS, sys.base_prefix, sysconfig.get_path("purelib"), _SOURCE)
        with open(self._place.with_suffix(".log"), "wb") as self._log:
            self._process = subprocess.Popen(
                ["sh", _SCRIPT, self._place, *(("--tree", tree) if tree else ours)],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        self._init = 0
        try:
            until(self._begun, PATIENCE, "the system did not begin")
            until(self._booted, PATIENCE, "the system did not boot")
        except AssertionError as error:
            error.add_note(Path(self._log.name).read_text(errors="replace"))
            self.close()
            raise

    def _begun(self) -> bool:
        """Find process 1: the only child of the only child of the script."""
        assert self._process.poll() is None
        pid = self._process.pid
        for _ in range(2):
            told = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            if not told:
                return False
            pid = int(told[0])
        self._init = pid
        return Path(f"/proc/{pid}/comm").read_text() == "systemd\n"

    def _booted(self) -> bool:
        return self.systemctl("is-active", "multi-user.target").stdout == "active\n"

    @property
    def first(self) -> Process:
        """Process 1."""
        return _process(self._init)

    @property
    def root(self) -> Path:
        """Its root, as the host sees it."""
        return Path(f"/proc/{self._init}/root")

    def run(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program inside, as root."""
        enter = ("nsenter", "--target", str(self._init), *(f"--{kind}" for kind in _KINDS))
        environ = ("env", "-i", "PATH=/usr/sbin:/usr/bin", "SYSTEMD_COLORS=0")
        return subprocess.run(
            [*enter, *environ, *words], capture_output=True, text=True, timeout=seconds, check=False
        )

    def systemctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Ask systemd."""
        return self.run("systemctl", "--no-pager", *words)

    def shown(self, unit: str, name: str) -> str:
        """Give a property of a unit."""
        return self.systemctl("show", "--value", f"--property={name}", unit).stdout.strip()

    def processes(self, unit: str) -> list[Process]:
        """Give what runs in a unit's control group."""
        place = self.root / "sys/fs/cgroup/system.slice" / unit / "cgroup.procs"
        pids = place.read_text().split() if place.exists() else []
        found = []
        for pid in pids:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
                found.append(_process(int(pid)))
        return found

    def main(self, unit: str) -> Process:
        """Give a unit's main process, once there is one."""
        found: list[Process] = []

        def begun() -> bool:
            wanted = int(self.shown(unit, "MainPID"))
            found[:] = [one for one in self.processes(unit) if one.inside == wanted]
            return bool(found)

        until(begun, PATIENCE, f"{unit} has no main process")
        return found[0]

    def user(self, name: str) -> tuple[str, str]:
        """Give a user's id and group id."""
        lines = (self.root / "etc/passwd").read_text().splitlines()
        found = next(line.split(":") for line in lines if line.startswith(f"{name}:"))
        return found[2], found[3]

    def events(self) -> list[dict[str, Any]]:
        """Give our own events in what the courier wrote."""
        path = self.root / STATE / "courier/events.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["unmapped"]["hygiene"] for line in lines]

    def journal(self) -> str:
        """Give what systemd and the units said."""
        return self.run("journalctl", "--no-pager").stdout

    def close(self) -> None:
        """End everything in it, and leave nothing of it."""
        self._process.terminate()
        self._process.wait(timeout=60)
        os.unlink(self._log.name)
        self._place.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def _process(pid: int) -> Process:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Process(pid, int(status["NSpid"].split()[-1]), status)
