"""Who makes events as fast as it can keeps nobody from hearing of what others do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.agent.watch.conftest import PATIENCE, short_queue
from tests.agent.watch.test_throttle import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.agent.watch.conftest import Plant, Watching

    Watch = Callable[..., Watching]

_FILES = 100
_BUDGET = 20
_NOISE = """
import itertools, os, sys
numbers = itertools.repeat(0) if sys.argv[2] == "one" else itertools.count()
print(flush=True)
for name in map((sys.argv[1] + "/noise-%d").__mod__, numbers):
    os.mkdir(name)
    os.rmdir(name)
"""


@contextlib.contextmanager
def noise(place: Path, names: str) -> Iterator[subprocess.Popen[bytes]]:
    """Have folders come and go as fast as one process can, from when this begins."""
    command = [sys.executable, "-c", _NOISE, str(place), names]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
            assert process.poll() is None  # it went on to the end
        finally:
            process.kill()


@pytest.mark.parametrize("names", ["one", "ever new"])
@pytest.mark.parametrize("where", ["above", "inside"])
def test_what_is_planted_is_told_while_noise_goes_on(
    quiet: Path, tmp_path: Path, plant: Plant, where: str, names: str
) -> None:
    """In a watched folder or in one on the way to it, within the budget."""
    top = quiet / "above" / "root"
    top.mkdir(parents=True)
    role = Role(top, tmp_path, _BUDGET)
    try:
        with noise({"above": top.parent, "inside": top}[where], names):
            time.sleep(2)  # the burst that the budget begins with is used up
            begun = time.monotonic()
            for number in range(_FILES):
                plant(top / f"{number}.yml")
            missing = {*plant.planted}
            while missing:
                assert time.monotonic() < begun + PATIENCE, len(missing)
                missing -= role.found()
                time.sleep(0.05)
    finally:
        os.kill(role.pid, signal.SIGKILL)
        os.waitpid(role.pid, 0)


def test_the_first_walk_comes_to_its_end_while_noise_goes_on(quiet: Path, watch: Watch) -> None:
    """So that whoever makes the noise keeps no unit from being ready."""
    with noise(quiet, "ever new"):
        with short_queue(16):
            seen = watch(quiet)
        seen.until(lambda: any(event.gap for event in seen.events))
        seen.until(lambda: seen.watcher.complete)
    assert [event.gap.reason for event in seen.events if event.gap]
    assert seen.watcher.complete


def test_gaps_begin_and_end_while_noise_goes_on(quiet: Path, watch: Watch, plant: Plant) -> None:
    """Each rescan comes to its end, finds what was lost, and does not come too often."""
    (quiet / "noisy").mkdir()
    with short_queue(16):
        seen = watch(quiet)
    seen.rest()
    with noise(quiet / "noisy", "ever new"):
        begun = time.monotonic()
        seen.until(lambda: any(event.gap for event in seen.events))
        for number in range(_FILES):
            plant(quiet / f"{number}.yml")
        seen.until(lambda: seen.open == {*plant.planted})
        seen.until(lambda: sum(bool(e.gap and e.gap.ended) for e in seen.events) >= 2)
        took = time.monotonic() - begun
    gaps = [event.gap for event in seen.events if event.gap]
    assert {gap.reason for gap in gaps} == {
        f"kernel's event queue overflowed, most events from {quiet / 'noisy'}"
    }
    assert {gap.closed_by for gap in gaps if gap.ended} == {"rescan"}
    assert len(gaps) <= 2 * took + 4
    seen.rest()
    assert seen.watcher.numbers["gaps"] == 0


def test_noise_above_a_root_wakes_nobody(quiet: Path, watch: Watch, plant: Plant) -> None:
    """What matters on the way to it is told all the same."""
    top = quiet / "above" / "root"
    top.mkdir(parents=True)
    seen = watch(top)
    seen.rest()
    for number in range(1000):
        (quiet / "above" / f"{number}").mkdir()
    done, end = time.time(), time.monotonic() + PATIENCE
    while (seen.kernel.heard or 0) < done:  # None where something waits to be taken
        assert time.monotonic() < end
        time.sleep(0.01)
    os.rename(top, quiet / "away")
    top.mkdir()
    plant(top / "one.yml")
    seen.until(lambda: seen.open == {*plant.planted})
