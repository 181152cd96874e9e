"""The watcher as a process: it starts, tells, survives being killed, and stops when it is told."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import journal, ledger, settings, snapshot
from agent.daemon import by_pipe
from agent.events import Event, Kind
from agent.journal import Record
from agent.roles import watcher
from agent.rolestatus import RoleStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    def __init__(self, told: Settings) -> None:
        self.told = told
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                watcher.run(told, by_pipe(theirs), watcher.Readings(lambda: None, lambda: None))
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
