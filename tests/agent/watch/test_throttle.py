"""The watcher keeps to its budget of processor time, and misses nothing by that."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import journal, ledger, settings
from agent.daemon import by_pipe
from agent.journal import Record
from agent.roles import watcher
from tests.agent.watch.conftest import PATIENCE, Used, short_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.agent.watch.conftest import Plant, Watching

    Watch = Callable[..., Watching]

_FILES = 1500
_BUDGET = 20
_ITEM = 0.3
"""Seconds of processor time by which one turn may go over the budget, and of a burst."""


def test_who_used_up_its_budget_looks_at_nothing_until_there_is_some_again(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """What waits is then found; somebody within the budget goes on."""
    used = Used()
    seen = watch(root, processor=used.processor())
    seen.rest()
    for number in range(50):
        plant(root / f"{number}.yml")
    seen.until(lambda: seen.watcher.numbers["waiting"] > 0)
    used.up()
    time.sleep(0.05)  # no measurement comes sooner after the last
    before = seen.watcher.numbers
    for _ in range(5):
        seen.watcher.turn(0.1)
    assert seen.watcher.numbers == before
    used.down()
    seen.until(lambda: seen.open == {*plant.planted})
    assert not [event.gap for event in seen.events if event.gap]


def test_what_the_kernel_drops_while_nobody_hears_it_is_told_and_found(
    quiet: Path, watch: Watch, plant: Plant
) -> None:
    """Where hearing takes too much, events wait in the kernel, which has room for some."""
    with short_queue(16):
        seen = watch(quiet)
    seen.rest()
    seen.deafen(quiet / "poke")
    for number in range(200):
        plant(quiet / f"{number}.yml")
    seen.rest()
    assert not seen.open
    seen.hearing.down()
    seen.until(lambda: seen.open == {*plant.planted})
    seen.rest()
    gaps = [event.gap for event in seen.events if event.gap]
    reason = f"kernel's event queue overflowed, most events from {quiet}"
    assert [gap.reason for gap in gaps] == [reason] * 2
    assert [bool(gap.ended) for gap in gaps] == [False, True]


def test_a_watcher_that_does_not_hear_for_now_can_be_ended(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """Though the kernel holds an event that nobody takes."""
    seen = watch(root)
    seen.rest()
    seen.deafen(root / "one.yml")
    plant(root / "one.yml")
    ending = threading.Thread(target=seen.kernel.close, daemon=True)
    ending.start()
    ending.join(PATIENCE)
    assert not ending.is_alive()
    seen.kernel = type(seen.kernel)()  # for the fixture to end


class Role:
    """A watcher in a process of its own, as its settings say."""

    def __init__(self, root: Path, state: Path, percent: int) -> None:
        raw = {"version": 1, "state": str(state), "watch": {"roots": [str(root)]}}
        told = settings.from_mapping({**raw, "budget": {"cpu": percent}})
        ours, theirs = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                watcher.run(told, by_pipe(theirs), watcher.Readings(lambda: None, lambda: None))
            finally:
                os._exit(1)
        os.close(theirs)
        self.ready = os.read(ours, 1)
        os.close(ours)
        self._folder, self._last = str(state / "watcher" / "journal"), 0

    def found(self) -> set[str]:
        """Give the files that were told of since the last time."""
        paths: set[str] = set()
        for stream in journal.streams(self._folder):
            told = journal.read(self._folder, stream, self._last)
            records = [one for one in told if isinstance(one, Record)]
            self._last = records[-1].sequence if records else self._last
            paths |= {e.finding.location.path for e in ledger.told(records) if e.finding}
        return paths

    def used(self) -> float:
        """Give the seconds of processor time of it and its readers, those that ended too."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(_used(pid) for pid in (str(self.pid), *children))


def _used(pid: str) -> float:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@pytest.mark.parametrize("percent", [_BUDGET, 6400])
def test_a_role_keeps_to_the_budget_that_the_bootstrap_file_gives(
    quiet: Path, tmp_path: Path, plant: Plant, percent: int
) -> None:
    """A burst takes as long as its processor time needs; one without a limit uses more at once."""
    role = Role(quiet, tmp_path, percent)
    try:
        assert role.ready
        before, begun = role.used(), time.monotonic()
        for number in range(_FILES):
            plant(quiet / f"{number}.yml")
        missing = {*plant.planted}
        while missing:
            assert time.monotonic() < begun + PATIENCE, len(missing)
            missing -= role.found()
            time.sleep(0.02)
        kept = role.used() - before <= _BUDGET / 100 * (time.monotonic() - begun) + _ITEM
        assert kept == (percent == _BUDGET)
    finally:
        os.kill(role.pid, signal.SIGKILL)
        os.waitpid(role.pid, 0)
