"""A pool loses nothing but the item that breaks a worker, and says what became of that one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

# Processes are forked in a child of ours: pytest's workers have threads, which a fork would lose.
_WORK = Path(__file__).with_name("poolwork.py")
_CRASHED = ("reader crashed", "")


def start(processes: int, seconds: int) -> subprocess.Popen[bytes]:
    """Start the script that runs a pool."""
    return subprocess.Popen(
        [sys.executable, "-I", _WORK, str(processes), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def run(paths: Sequence[str], processes: int = 2, seconds: int = 1) -> dict[str, Any]:
    """Run a pool over PATHS to its end: `outcomes` by path, the rest as poolwork gives it."""
    with start(processes, seconds) as process:
        sent = b"".join(os.fsencode(path) + b"\0" for path in paths)
        out, err = process.communicate(sent, timeout=60)
    assert (process.returncode, err) == (0, b"")
    report: dict[str, Any] = json.loads(out)
    assert not report["children"]
    assert report["descriptors"] == 0
    counted = Counter(path for path, _, _ in report["outcomes"])
    assert counted == Counter(paths), "each path has one outcome, no more and no less"
    report["outcomes"] = {path: (reason, detail) for path, reason, detail in report["outcomes"]}
    return report


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        ("abort-1", *_CRASHED),
        ("segv-1", *_CRASHED),
        ("exit-1", *_CRASHED),
        ("strange-1", *_CRASHED),
        ("hang-1", "took too long", "over 1 s"),
        ("eat-1", "memory limit", ""),
    ],
)
@pytest.mark.parametrize("place", [0, 47, 99])
def test_only_the_item_that_breaks_a_worker_is_lost(
    name: str, reason: str, detail: str, place: int
) -> None:
    """Wherever it stands, it has its reason and all others have their results."""
    paths = [f"plain-{number}" for number in range(100)]
    paths[place] = name
    report = run(paths)
    assert report["outcomes"].pop(name) == (reason, detail)
    assert set(report["outcomes"].values()) == {("done", "")}
    assert report["files"] == 99


@pytest.mark.parametrize(
    ("name", "kind"), [("raise-1", "ValueError"), ("recurse-1", "RecursionError")]
)
def test_a_fault_of_ours_is_named_without_its_text(name: str, kind: str) -> None:
    """An exception costs its item only, and its text, which may hold a secret, is withheld."""
    report = run(["plain-1", name, "plain-2"])
    reason, detail = report["outcomes"][name]
    assert reason == "internal error"
    assert detail.startswith(f"{kind} at poolwork.py:")
    assert report["files"] == 2


def test_an_item_that_hears_no_alarm_is_killed() -> None:
    """A worker that is stuck in a library is ended from outside, after a grace."""
    begun = time.monotonic()
    report = run(["plain-1", "deaf-1", "plain-2"])
    assert report["outcomes"]["deaf-1"] == ("took too long", "")
    assert report["files"] == 2
    assert time.monotonic() - begun < 15


def test_many_deadly_items_cost_only_themselves() -> None:
    """Crash after crash, in both workers, the rest is still looked at."""
    paths = [f"{'abort' if number % 7 == 0 else 'plain'}-{number}" for number in range(150)]
    report = run(paths)
    crashed = [path for path, outcome in report["outcomes"].items() if outcome == _CRASHED]
    assert crashed == [path for path in report["outcomes"] if path.startswith("abort")]
    assert report["files"] == 150 - len(crashed)


def test_a_late_death_costs_no_more_than_two_items() -> None:
    """A worker that dies when it has moved on may blame an innocent item, and loses no other."""
    paths = [f"plain-{number}" for number in range(400)]
    paths[47] = "late-1"
    report = run(paths, processes=1, seconds=5)
    assert report["files"] >= len(paths) - 2


@pytest.mark.parametrize("count", [0, 1, 47, 48, 49, 2_000])
@pytest.mark.parametrize("processes", [1, 5])
def test_every_item_has_its_result(count: int, processes: int) -> None:
    """No item, fewer items than processes, and more than are handed out at a time."""
    report = run([f"plain-{number}" for number in range(count)], processes)
    assert report["files"] == count


@pytest.mark.parametrize("letter", ["a", "é", "🗝", "\udcff"])
def test_the_longest_names_pass(letter: str) -> None:
    """Paths as long as the kernel allows, of letters of any width, fill no pipe."""
    long = letter * (4_000 // len(os.fsencode(letter)))
    report = run([f"{number}/{long}" for number in range(300)])
    assert report["files"] == 300


def test_results_larger_than_a_pipe_arrive() -> None:
    """Results are read while they are written."""
    report = run([f"bulky-{number}" for number in range(6)], seconds=20)
    assert report["files"] == 6


def test_names_that_are_not_text_arrive_whole() -> None:
    """Bytes that are not UTF-8, line ends and escapes in names come back as they were."""
    paths = ["a\nb", "\udcff\udc80", "\x1b[2J", "plain \t", "…/é"]
    assert set(run(paths)["outcomes"]) == set(paths)


@pytest.mark.parametrize("limit", ["ulimit -v 4000000", "ulimit -c 0", "ulimit -Hv 4000000"])
def test_limits_that_stand_already_are_kept(limit: str) -> None:
    """A worker lowers limits and never asks for more than it has."""
    script = f'{limit}; printf "plain-1\\0" | "$0" -I "$1" 1 5'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, _WORK], capture_output=True, check=True, timeout=30
    )
    assert json.loads(done.stdout)["files"] == 1


def test_processes_that_cannot_be_started_are_one_error() -> None:
    """Too few descriptors are a refusal that can be told, not a scan without results."""
    script = 'ulimit -n 6; printf "plain-1\\0" | "$0" -I "$1" 4 5'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, _WORK], capture_output=True, check=False, timeout=30
    )
    assert b"PoolError: processes: cannot be started: Too many open files" in done.stderr


def _busy(paths: bytes, seconds: int) -> subprocess.Popen[bytes]:
    """Start a pool and wait until its two workers run."""
    process = start(2, seconds)
    assert process.stdin is not None
    process.stdin.write(paths)
    process.stdin.close()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 20
    while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    return process


def _gone(group: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("send", [os.kill, os.killpg])
def test_an_interruption_ends_every_process(send: Any) -> None:  # noqa: ANN401 - two C functions
    """SIGINT, to all or to the parent alone, leaves no worker, though each is in an item."""
    with _busy(b"hang-1\0hang-2\0" * 60, 60) as process:
        send(process.pid, signal.SIGINT)
        process.wait(timeout=10)
        assert process.returncode in {-signal.SIGINT, 130}
        assert _gone(process.pid, 0.5)


def test_workers_end_when_the_parent_is_gone() -> None:
    """A parent that was killed leaves no worker behind for longer than the item it is at."""
    with _busy(b"hang-1\0hang-2\0", 1) as process:
        process.kill()
        process.wait(timeout=10)
        assert _gone(process.pid, 10)
