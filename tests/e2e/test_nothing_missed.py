"""Whatever way a secret takes into a watched tree, the receiver knows of it in the end."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FEW = 20
"""Watches that are allowed where too few are."""
_MANY = 50
"""Folders for which they do not suffice."""
_LIMIT = "/proc/sys/user/max_inotify_{}"


@pytest.fixture
def fleet(folder: Path) -> Iterator[Fleet]:
    """A host that sweeps every ten minutes: in a test, never."""
    made = Fleet(folder)
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def sweeping(folder: Path) -> Iterator[Fleet]:
    """A host that sweeps all the time."""
    made = Fleet(folder, watch={"sweep": 3})
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def outside(folder: Path) -> Path:
    """A folder that is not watched, on the same file system."""
    made = folder / "outside"
    made.mkdir()
    return made


def plant(path: Path) -> Path:
    """Write a file with a password of its own; the folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"db:\n  password: Pw{secrets.token_urlsafe(15)}x1Q\n")
    return path


def clean(path: Path) -> Path:
    """Write a file as long as those with a password, and with none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("db:\n  password: ${DATABASE_PASSWORD}####\n")
    return path


def known(fleet: Fleet) -> set[str]:
    """Give the paths of the open findings that the receiver has."""
    return {row["path"] for row in fleet.rows() if row["status"] == "open"}


def wait(fleet: Fleet, *paths: Path) -> None:
    """Wait until the receiver knows of these and of no other open one."""
    fleet.until(lambda: known(fleet) == set(map(str, paths)))


def prepared(fleet: Fleet, outside: Path) -> None:
    """Have links and a hard link lead out of the tree, to nothing that is a secret."""
    os.symlink(clean(outside / "first.yml"), fleet.tree / "link.yml")
    clean(outside / "releases" / "1" / "conf" / "app.yml")
    os.symlink(outside / "releases" / "1", fleet.tree / "current")
    os.link(clean(outside / "name.yml"), fleet.tree / "other-name.yml")
    clean(fleet.tree / "same.yml")
    plant(fleet.tree / "gone.yml")


def changed(fleet: Fleet, outside: Path) -> tuple[Path, ...]:
    """Do what is hard to see; give where a secret stands then."""
    turned = plant(outside / "second.yml")
    os.symlink(turned, fleet.tree / "new")
    os.rename(fleet.tree / "new", fleet.tree / "link.yml")
    released = plant(outside / "releases" / "2" / "conf" / "app.yml")
    os.symlink(outside / "releases" / "2", fleet.tree / "new")
    os.rename(fleet.tree / "new", fleet.tree / "current")
    plant(outside / "name.yml")
    same, before = fleet.tree / "same.yml", os.stat(fleet.tree / "same.yml")
    plant(same)
    os.truncate(same, before.st_size)
    os.utime(same, ns=(before.st_atime_ns, before.st_mtime_ns))
    plant(outside / "made" / "a" / "b" / "deep.yml")
    plant(outside / "made" / "top.yml")
    os.rename(outside / "made", fleet.tree / "moved")
    os.unlink(fleet.tree / "gone.yml")
    moved = (fleet.tree / "moved/top.yml", fleet.tree / "moved/a/b/deep.yml")
    return (turned, released, fleet.tree / "other-name.yml", same, *moved)


def test_what_is_hard_to_see_is_seen(fleet: Fleet, outside: Path) -> None:
    """Links that are turned, another name's content, a tree that is moved in, the root anew."""
    prepared(fleet, outside)
    fleet.start()
    wait(fleet, fleet.tree / "gone.yml")
    wait(fleet, *changed(fleet, outside))
    shutil.rmtree(fleet.tree)
    wait(fleet)
    fleet.tree.mkdir()
    wait(fleet, plant(fleet.tree / "anew.yml"))
    assert not [gap for gap in fleet.gaps() if not gap["ended"]]


def test_what_changed_while_the_agent_was_down_is_found(fleet: Fleet, outside: Path) -> None:
    """All of it, the same size and time of writing or not; the gap says from when to when."""
    prepared(fleet, outside)
    fleet.start()
    wait(fleet, fleet.tree / "gone.yml")
    assert fleet.gaps() == []
    fleet.end_agent()
    begun = time.time()
    paths = changed(fleet, outside)
    done = time.time()
    fleet.start()
    wait(fleet, *paths)
    fleet.until(lambda: _whole(fleet.gaps()))
    [gap] = fleet.gaps()
    assert (gap["subject"], gap["reason"]) == ("watch", "agent was not running")
    assert gap["started"] <= begun
    assert gap["ended"] >= done


def _whole(gaps: list[dict[str, Any]]) -> bool:
    return bool(gaps) and all(gap["ended"] for gap in gaps)


def limited(what: str, most: int) -> tuple[str, ...]:
    """Give a command behind which no more of something of inotify are allowed to all roles."""
    words = ("unshare", "--user", "--map-root-user", "sh", "-c")
    if subprocess.run([*words, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs a user namespace")
    return (*words, f'echo {most} > {_LIMIT.format(what)} && exec "$@"', "sh")


def allow(fleet: Fleet, what: str, most: int) -> None:
    """Raise such a limit of a running agent."""
    assert fleet.agent
    enter = ("nsenter", "--user", f"--target={fleet.agent.pid}")
    done = [*enter, "sh", "-c", f"echo {most} > {_LIMIT.format(what)}"]
    subprocess.run(done, check=True, capture_output=True)


def test_too_few_watches_are_told_and_made_up_for(sweeping: Fleet) -> None:
    """A sweep finds what no watch tells, and the gap ends when there are watches enough."""
    paths = [plant(sweeping.tree / str(one) / "app.yml") for one in range(_MANY)]
    sweeping.start(*limited("watches", _FEW))
    wait(sweeping, *paths)
    sweeping.until(lambda: [gap for gap in sweeping.gaps() if gap["subject"] == "watches"])
    [gap] = sweeping.gaps()
    assert "limit" in gap["reason"]
    assert gap["ended"] == 0
    paths += [plant(sweeping.tree / str(one) / "more.yml") for one in range(_MANY)]
    wait(sweeping, *paths)
    allow(sweeping, "watches", 10 * _MANY)
    sweeping.until(lambda: _whole(sweeping.gaps()))
    assert [one["started"] for one in sweeping.gaps()] == [gap["started"]]


def test_an_agent_that_cannot_listen_at_all_says_so_and_comes_back(fleet: Fleet) -> None:
    """Without an instance of inotify the watcher does not run, which the supervisor tells."""
    path = plant(fleet.tree / "app.yml")
    fleet.start(*limited("instances", 0), ready=False)
    fleet.until(lambda: _told(fleet, "role restarted"))
    assert known(fleet) == set()
    allow(fleet, "instances", 10)
    wait(fleet, path)


def _told(fleet: Fleet, state: str) -> bool:
    health = fleet.world.receiver.shown()["health"]
    return any((one["component"], one["state"]) == ("supervisor", state) for one in health)
