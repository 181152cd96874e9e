"""The watcher as a process: it starts, tells, survives being killed, and stops when it is told."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import journal, ledger, settings, snapshot
from agent.daemon import by_pipe
from agent.events import Event, Kind
from agent.journal import Record
from agent.roles import watcher
from agent.rolestatus import RoleStatus
from agent.waiving import today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.settings import Settings


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    (tmp_path / "watched").mkdir()
    raw = {
        "version": 1,
        "state": str(tmp_path / "state"),
        "watch": {"roots": [str(tmp_path / "watched")]},
    }
    return settings.from_mapping(raw)


class Running:
    """A watcher in a process of its own."""

    def __init__(self, told: Settings, clock: Callable[[], datetime.date] = today) -> None:
        self.told = told
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                readings = watcher.Readings(lambda: None, lambda: None)
                watcher.run(told, by_pipe(theirs), readings, clock=clock)
                status = 0
            finally:
                os._exit(status)
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)

    def end(self, number: int) -> int:
        os.kill(self.pid, number)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def running(told: Settings) -> Iterator[Running]:
    one = Running(told)
    yield one
    try:
        one.end(signal.SIGKILL)
    except (ChildProcessError, ProcessLookupError):
        return


def events(told: Settings) -> list[Event]:
    folder = str(Path(told.state) / "watcher" / "journal")
    return [
        event
        for stream in journal.streams(folder)
        for event in ledger.told(
            record for record in journal.read(folder, stream, 0) if isinstance(record, Record)
        )
    ]


def wait(told: Settings, kind: Kind, seconds: float = 20) -> Event:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = [event for event in events(told) if event.kind is kind]
        if found:
            return found[-1]
        time.sleep(0.02)
    pytest.fail(f"no event {kind}")


def plant(told: Settings, name: str) -> str:
    path = Path(told.watch.roots[0]) / name
    path.write_text(f"db:\n  password: Pw{os.urandom(9).hex()}x1Q\n")
    return str(path)


def test_a_change_is_in_the_journal_and_the_status(told: Settings, running: Running) -> None:
    """From a file to an event and to the counts that everybody may read."""
    path = plant(told, "app.yml")
    event = wait(told, Kind.OPENED)
    assert event.finding is not None
    assert event.finding.location.path == path
    assert running.end(signal.SIGTERM) == 0
    status = snapshot.read(Path(told.state) / "watcher" / "published" / "status", RoleStatus)
    assert status is not None
    assert status.role == "watcher"
    assert status.faults == ()


def test_what_happened_while_it_was_dead_is_found_and_told_as_a_gap(
    told: Settings, running: Running
) -> None:
    """Killed without warning, it makes up for it when it starts again."""
    plant(told, "one.yml")
    wait(told, Kind.OPENED)
    time.sleep(0.1)
    running.end(signal.SIGKILL)
    path = plant(told, "two.yml")
    again = Running(told)
    try:
        end = time.monotonic() + 20
        while not any(e.finding and e.finding.location.path == path for e in events(told)):
            assert time.monotonic() < end
            time.sleep(0.02)
        gap = wait(told, Kind.GAP).gap
        assert gap is not None
        assert gap.reason == "agent was not running"
    finally:
        assert again.end(signal.SIGTERM) == 0
    numbers = [event.id.partition("-")[2] for event in events(told)]
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]


def test_a_damaged_state_is_set_aside_and_everything_told_anew(
    told: Settings, running: Running
) -> None:
    """A new stream begins; what stands in the files is found again."""
    plant(told, "one.yml")
    before = wait(told, Kind.OPENED)
    running.end(signal.SIGKILL)
    for name in ("state.sqlite", "state.sqlite-wal"):  # either could mend the other
        (Path(told.state) / "watcher" / name).write_bytes(b"garbage" * 2000)
    again = Running(told)
    try:
        end = time.monotonic() + 20
        while wait(told, Kind.OPENED).id == before.id:
            assert time.monotonic() < end
        assert wait(told, Kind.OPENED).id.partition("-")[0] != before.id.partition("-")[0]
        assert wait(told, Kind.HEALTH).health is not None
    finally:
        again.end(signal.SIGTERM)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def last(told: Settings, path: str) -> Kind | None:
    """Give what was told last of a file."""
    kinds = [e.kind for e in events(told) if e.finding and e.finding.location.path == path]
    return kinds[-1] if kinds else None


def opened(told: Settings) -> set[str]:
    """Give the files of which a finding was opened."""
    return {e.finding.location.path for e in events(told) if e.finding and e.kind is Kind.OPENED}


def with_policy(told: Settings, tmp_path: Path, text: str) -> Settings:
    (tmp_path / "policy.yaml").write_text(text)
    return msgspec.structs.replace(told, policy=str(tmp_path / "policy.yaml"))


@pytest.mark.parametrize("way", ["stopped", "reloaded"])
def test_a_new_policy_judges_what_was_looked_at_before(
    told: Settings, tmp_path: Path, way: str
) -> None:
    """Whether it came while the watcher ran or while it did not."""
    told = with_policy(told, tmp_path, "version: 1\n")
    first = Running(told)
    path = plant(told, "one.yml")
    until(lambda: last(told, path) is Kind.OPENED)
    disabling = "version: 1\nsecrets:\n  disable: [embedded-password]\n"
    try:
        if way == "stopped":
            first.end(signal.SIGTERM)
            with_policy(told, tmp_path, disabling)
            first = Running(told)
        else:
            with_policy(told, tmp_path, disabling)
            os.kill(first.pid, signal.SIGHUP)
        until(lambda: last(told, path) is Kind.SUPPRESSED)
    finally:
        first.end(signal.SIGKILL)
    kinds = [one.kind for one in events(told) if one.finding]
    assert kinds == [Kind.OPENED, Kind.SUPPRESSED]


@pytest.mark.parametrize("way", ["running", "stopped"])
def test_a_waiver_ends_with_its_day(told: Settings, tmp_path: Path, way: str) -> None:
    """On the next day the finding is open, with no sweep; of what has no waiver nothing is told."""
    covered, other = plant(told, "one.yml"), plant(told, "two.yml")
    waiver = f"{{check: '*', path: {covered}, owner: team, reason: moving, until: 2026-05-07}}"
    told = with_policy(told, tmp_path, f"version: 1\nwaivers:\n  - {waiver}\n")
    day = tmp_path / "day"
    day.write_text("2026-05-07")

    def clock() -> datetime.date:
        return datetime.date.fromisoformat(day.read_text())

    running = Running(told, clock)
    try:
        until(lambda: last(told, covered) is Kind.SUPPRESSED and last(told, other) is Kind.OPENED)
        if way == "stopped":
            running.end(signal.SIGTERM)
        day.write_text("2026-05-08")
        if way == "stopped":
            running = Running(told, clock)
        until(lambda: last(told, covered) is Kind.OPENED)
    finally:
        running.end(signal.SIGTERM)
    assert [e.kind for e in events(told) if e.finding].count(Kind.OPENED) == 2


def test_a_policy_that_cannot_be_used_stops_nothing(told: Settings, tmp_path: Path) -> None:
    """The one before holds on, and that is told."""
    told = with_policy(told, tmp_path, "version: 1\n")
    running = Running(told)
    try:
        with_policy(told, tmp_path, "version: 1\nsecrets: [\n")
        os.kill(running.pid, signal.SIGHUP)
        health = wait(told, Kind.HEALTH).health
        assert health is not None
        assert health.state == "policy refused, the one before holds on"
        path = plant(told, "one.yml")
        until(lambda: last(told, path) is Kind.OPENED)
    finally:
        assert running.end(signal.SIGTERM) == 0


def test_its_own_state_is_not_watched_by_another_name(tmp_path: Path) -> None:
    """Else each look would make the next one."""
    (tmp_path / "watched" / "real").mkdir(parents=True)
    os.symlink("watched/real", tmp_path / "state")
    raw = {
        "version": 1,
        "state": str(tmp_path / "state"),
        "watch": {"roots": [str(tmp_path / "watched")]},
    }
    told = settings.from_mapping(raw)
    running = Running(told)
    try:
        path = plant(told, "one.yml")
        until(lambda: last(told, path) is Kind.OPENED)
        time.sleep(7)
        place = Path(told.state) / "watcher" / "published" / "status"
        status = snapshot.read(place, RoleStatus)
        assert status is not None
        assert status.numbers["looked"] == 1
    finally:
        running.end(signal.SIGTERM)


def test_a_state_that_cannot_be_written_ends_nothing(told: Settings, tmp_path: Path) -> None:
    """On a full disk it goes on, and tells all when there is room again."""
    state = Path(told.state)
    state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(state)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs to mount a small file system")
    try:
        running = Running(told)
        path = plant(told, "one.yml")
        until(lambda: last(told, path) is Kind.OPENED)
        filler = state / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        paths = {plant(told, f"{number}.yml") for number in range(100)}
        time.sleep(8)
        assert os.waitpid(running.pid, os.WNOHANG) == (0, 0)
        filler.unlink()
        until(lambda: paths <= opened(told), 60)
        numbers = [event.id.partition("-")[2] for event in events(told)]
        assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
        assert running.end(signal.SIGTERM) == 0
    finally:
        subprocess.run(["umount", "-l", str(state)], check=False)
