"""The supervisor keeps its roles running, one by one, and ends them when it is told."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from agent import backoff, journal, ledger, settings, snapshot
from agent.daemon import Life, Supervisor, Told
from agent.journal import Record
from agent.rolestatus import RoleStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.daemon import Role
    from agent.settings import Settings


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    return settings.from_mapping({"version": 1, "state": str(tmp_path)})


def steady(place: Path) -> Role:
    """Give a role that notes its process and waits to be told to stop."""

    def role(life: Life) -> None:
        ended = False

        def end(_number: int, _frame: object) -> None:
            nonlocal ended
            ended = True

        def note(_number: int, _frame: object) -> None:
            (place.parent / f"{place.name}.reloaded").touch()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, note)
        with place.open("a") as file:
            file.write(f"{os.getpid()}\n")
        life.ready()
        while not ended:
            life.beat()
            time.sleep(0.05)

    return role


@pytest.fixture
def supervise(told: Settings) -> Iterator[Callable[[dict[str, Role]], int]]:
    """Give a function that starts a supervisor of some roles."""
    running: list[int] = []

    def start(roles: dict[str, Role]) -> int:
        ready = Path(told.state) / "ready"
        pid = os.fork()
        if pid == 0:
            try:
                Supervisor(told, roles, Told(ready.touch, lambda: None)).run()
            finally:
                os._exit(0)
        running.append(pid)
        return pid

    yield start
    for pid in running:
        end(pid, signal.SIGKILL)


def end(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
        os.waitpid(pid, 0)
    except (ChildProcessError, ProcessLookupError):
        return


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def pids(place: Path) -> list[int]:
    return [int(line) for line in place.read_text().split()] if place.exists() else []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_role_that_dies_is_started_again_and_the_others_go_on(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int], told: Settings
) -> None:
    """Only the one that was killed has a new process, and that is reported."""
    one, two = tmp_path / "one", tmp_path / "two"
    pid = supervise({"one": steady(one), "two": steady(two)})
    until((tmp_path / "ready").exists)
    os.kill(pids(one)[0], signal.SIGKILL)
    until(lambda: len(pids(one)) == 2)
    assert len(pids(two)) == 1
    end(pid, signal.SIGTERM)
    assert not any(alive(child) for child in (pids(one)[-1], pids(two)[-1]))
    folder = str(Path(told.state) / "supervisor" / "journal")
    [stream] = journal.streams(folder)
    records = [r for r in journal.read(folder, stream, 0) if isinstance(r, Record)]
    said = [event.health for event in ledger.told(records)]
    assert [(one.state, one.detail[:23]) for one in said if one] == [
        ("role restarted", "one ended with signal 9")
    ]


def test_a_reload_reaches_every_role(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int]
) -> None:
    """SIGHUP is passed on."""
    pid = supervise({"one": steady(tmp_path / "one"), "two": steady(tmp_path / "two")})
    until((tmp_path / "ready").exists)
    os.kill(pid, signal.SIGHUP)
    until(lambda: all((tmp_path / f"{name}.reloaded").exists() for name in ("one", "two")))
    assert [len(pids(tmp_path / name)) for name in ("one", "two")] == [1, 1]
    end(pid, signal.SIGTERM)


def test_a_role_that_crashes_at_once_is_not_started_all_the_time(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int], told: Settings
) -> None:
    """The waits grow, and the supervisor's status shows that it does not run."""

    def crash(_life: Life) -> NoReturn:
        with (tmp_path / "starts").open("a") as file:
            file.write("1\n")
        message = "always"
        raise RuntimeError(message)

    pid = supervise({"bad": crash, "good": steady(tmp_path / "good")})
    time.sleep(5)
    assert 2 <= len(pids(tmp_path / "starts")) <= 5
    assert not (tmp_path / "ready").exists()
    status = snapshot.read(Path(told.state) / "supervisor" / "published" / "status", RoleStatus)
    assert status is not None
    assert status.numbers["good"] == pids(tmp_path / "good")[0]
    end(pid, signal.SIGTERM)


def test_a_fork_that_fails_ends_no_other_role(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int]
) -> None:
    """Without a descriptor or a process to spare a role is started later, and the others go on."""
    lack = tmp_path / "lack"

    def greedy(_life: Life) -> NoReturn:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (lowest, limits[1]))
        lack.touch()
        raise SystemExit

    pid = supervise({"good": steady(tmp_path / "good"), "greedy": greedy})
    until(lambda: lack.exists() and bool(pids(tmp_path / "good")))
    time.sleep(3)
    assert alive(pids(tmp_path / "good")[0])
    assert alive(pid)
    end(pid, signal.SIGTERM)


def test_what_a_dead_role_left_behind_is_reaped(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int]
) -> None:
    """As the first process of a container the supervisor inherits the readers of roles."""
    left = tmp_path / "left"

    def parent(_life: Life) -> NoReturn:
        if os.fork() == 0:
            with left.open("a") as file:
                file.write(f"{os.getpid()}\n")
            time.sleep(0.3)
            os._exit(0)
        time.sleep(0.1)
        raise SystemExit

    def first(life: Life) -> None:
        prctl = ctypes.CDLL(None).prctl
        prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, as the first process is
        folder = tmp_path / "inner"
        told = settings.from_mapping({"version": 1, "state": str(folder)})
        Supervisor(told, {"parent": parent}, Told(life.ready, life.beat)).run()

    pid = supervise({"first": first})
    until(lambda: bool(pids(left)))
    [orphan, *_] = pids(left)
    until(lambda: not Path(f"/proc/{orphan}").exists())
    assert alive(pid)
    end(pid, signal.SIGTERM)


def test_a_role_that_closes_its_pipe_does_not_keep_the_supervisor_busy(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int]
) -> None:
    """Its end is heard once."""

    def shut(_life: Life) -> None:
        os.closerange(3, 100)
        (tmp_path / "shut").touch()
        time.sleep(30)

    pid = supervise({"shut": shut})
    until((tmp_path / "shut").exists)

    def used() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13]))

    before = used()
    time.sleep(1.5)
    assert used() - before < os.sysconf("SC_CLK_TCK") // 5
    end(pid, signal.SIGTERM)


def test_a_role_that_is_still_starting_can_be_ended(
    tmp_path: Path, supervise: Callable[[dict[str, Role]], int]
) -> None:
    """Before it listens itself nobody swallows the signal."""

    def slow(_life: Life) -> None:
        (tmp_path / "starting").touch()
        time.sleep(60)

    pid = supervise({"slow": slow})
    until((tmp_path / "starting").exists)
    started = time.monotonic()
    end(pid, signal.SIGTERM)
    assert time.monotonic() - started < 5


def test_waits_double_up_to_a_longest_and_differ() -> None:
    """No host waits for more than told, and two hosts hardly ever the same."""
    rng = random.Random(7)
    for failures in range(1, 60):
        waits = [backoff.delay(failures, rng) for _ in range(50)]
        whole = min(2.0 ** (failures - 1), 300)
        assert all(whole / 2 <= wait <= whole for wait in waits)
        assert len(set(waits)) > 40
