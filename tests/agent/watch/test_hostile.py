"""Whatever users do to the watched trees and whatever fails, nothing is missed in silence."""

from __future__ import annotations

import contextlib
import mmap
import os
import resource
import shutil
import time
from typing import TYPE_CHECKING

from agent.findings import Look
from agent.readers import Readers
from agent.watch.budget import Shares
from agent.watch.index import stamp
from agent.watch.waiting import Waiting
from checks.keyfiles import KeySeen
from tests.agent.watch.conftest import short_queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from checks.files import Opened
    from checks.scanned import Result
    from tests.agent.watch.conftest import Plant, Watching

    Watch = Callable[..., Watching]


def test_a_folder_made_anew_while_events_are_lost_is_watched(
    quiet: Path, watch: Watch, plant: Plant
) -> None:
    """That the old one's watch ended was never heard: the walk sets it anew."""
    for name in ("a", "a/b", "noise"):
        (quiet / name).mkdir()
    with short_queue(16):
        seen = watch(quiet)
    seen.rest()
    seen.deafen(quiet / "noise" / "0")
    for number in range(100):
        (quiet / "noise" / f"{number}").write_text("x")
    shutil.rmtree(quiet / "a")
    (quiet / "a" / "b").mkdir(parents=True)
    seen.hearing.down()
    seen.until(lambda: any(event.gap for event in seen.events))
    seen.rest()
    assert any(event.gap for event in seen.events)
    plant(quiet / "a" / "b" / "one.yml")
    seen.rest()
    assert seen.open == {*plant.planted}


def test_a_folder_with_very_many_files_is_seen_whole(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """At the start, when some of them went while nobody watched, and when all go at once."""
    (root / "many").mkdir()
    for number in range(3500):
        (root / "many" / f"{number}").touch()
    plant(root / "many" / "z.yml")
    seen = watch(root)
    seen.rest()
    assert seen.watcher.numbers["files"] == 3501
    for number in range(0, 3500, 7):
        os.unlink(root / "many" / f"{number}")
    plant(root / "many" / "y.yml")
    seen = watch(root)
    seen.rest()
    assert seen.watcher.numbers["files"] == 3002
    assert seen.watcher.numbers["looked"] == 1
    assert seen.open == {*plant.planted}
    shutil.rmtree(root / "many")
    seen.rest()
    assert seen.open == set()
    assert seen.watcher.numbers["files"] == 0
    assert seen.watcher.numbers["folders"] == 1


def test_folders_that_change_places_all_the_time_cost_a_few_walks(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """In the end each has what it has."""
    for name in ("a", "b"):
        (root / name / "deep").mkdir(parents=True)
        for number in range(300):
            (root / name / "deep" / f"{number}").touch()
        plant(root / name / "deep" / f"{name}.yml")
    seen = watch(root)
    seen.rest()
    for _ in range(501):
        os.rename(root / "a", root / "c")
        os.rename(root / "b", root / "a")
        os.rename(root / "c", root / "b")
    seen.rest()
    assert seen.open == {str(root / "a" / "deep" / "b.yml"), str(root / "b" / "deep" / "a.yml")}
    plant(root / "a" / "deep" / "new.yml")
    seen.rest()
    assert str(root / "a" / "deep" / "new.yml") in seen.open


def test_a_very_deep_tree_is_watched_as_far_as_paths_reach(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """What lies deeper is a gap."""
    seen = watch(root)
    seen.rest()
    deep = str(root) + "/d" * 1000
    with deep_tree(root, 2500):
        plant(f"{deep}/one.yml")
        seen.rest()
        assert seen.open == {f"{deep}/one.yml"}
        gaps = [gap for event in seen.events if (gap := event.gap)]
        assert [gap.ended for gap in gaps] == [0]
        assert "too long" in gaps[0].reason
        plant(f"{deep}/two.yml")
        seen.rest()
        assert f"{deep}/two.yml" in seen.open


@contextlib.contextmanager
def deep_tree(root: Path, levels: int) -> Iterator[None]:
    """Make folders within each other, deeper than any path reaches; in the end remove them."""
    descriptors = [os.open(root, os.O_RDONLY)]
    for level in range(levels):
        os.mkdir("d", dir_fd=descriptors[-1])
        descriptors.append(os.open("d", os.O_RDONLY, dir_fd=descriptors[-1]))
        if level:
            os.close(descriptors.pop(-2))
    yield
    here = descriptors.pop()
    for _ in range(levels):
        above = os.open("..", os.O_RDONLY, dir_fd=here)
        for name in set(os.listdir(here)) - {"d"}:
            os.unlink(name, dir_fd=here)
        os.close(here)
        os.rmdir("d", dir_fd=above)
        here = above
    os.close(here)
    os.close(descriptors.pop())


def test_all_names_of_a_file_hear_of_a_change_by_another_one(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """Two names in the tree, written to by a third outside of it."""
    (tmp_path / "outside.yml").write_text("a: b\n")
    for name in ("one.yml", "two.yml"):
        os.link(tmp_path / "outside.yml", root / name)
    seen = watch(root)
    seen.rest()
    plant(tmp_path / "outside.yml")
    seen.rest()
    assert seen.open == {str(root / "one.yml"), str(root / "two.yml")}


def test_what_was_written_through_a_mapping_is_read(root: Path, watch: Watch) -> None:
    """Its time need not have changed since the last look."""
    place = root / "app.yml"
    place.write_bytes(b"a: b\n" + b" " * 200)
    seen = watch(root)
    seen.rest()
    with place.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[5:10] = b"c: d\n"
        os.chmod(place, 0o600)
        seen.rest()
        before = stamp(os.stat(place))
        text = b"password: Pw8h2kQ9x1Qz7\n"
        mapped[10 : 10 + len(text)] = text
        assert stamp(os.stat(place)) == before
    seen.rest()
    assert seen.open == {str(place)}


def test_a_reader_that_lies_stops_nothing(root: Path, watch: Watch, plant: Plant) -> None:
    """Numbers that no database takes make the file one that was not looked at."""

    def look(opened: Opened, result: Result) -> None:
        if opened.path.endswith("bad"):
            result.keys.append(KeySeen(opened.path, "x", (2**64 - 1, 2**64 - 1)))

    (root / "bad").write_text("x")
    (root / "good").write_text("x")
    seen = watch(root, readers=Readers(look, lambda: None, seconds=20, most=1))
    seen.rest()
    [gap] = [gap for event in seen.events if (gap := event.gap)]
    assert gap.subject == str(root / "bad")
    assert seen.watcher.numbers["looked"] == 2


def test_without_descriptors_for_a_reader_files_wait_for_one(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """It is told, and over when there is one again."""
    seen = watch(root)
    seen.rest()
    seen.readers.close()
    plant(root / "one.yml")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 2, limits[1]))
    try:
        seen.until(lambda: bool([event for event in seen.events if event.gap]))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    used = len(os.listdir("/proc/self/fd"))
    seen.rest()
    assert seen.open == {*plant.planted}
    assert seen.watcher.numbers["gaps"] == 0
    assert len(os.listdir("/proc/self/fd")) <= used + 2


@contextlib.contextmanager
def unwritable(seen: Watching) -> Iterator[None]:
    """Have nothing be written to the state, until that failed for what happens meanwhile."""
    base, said = seen.ledger.base, list[str]()
    base.execute("PRAGMA query_only = 1")
    yield
    base.set_trace_callback(said.append)
    seen.until(lambda: said.count("ROLLBACK") > 2)
    base.set_trace_callback(None)
    base.execute("PRAGMA query_only = 0")


def test_what_could_not_be_written_down_is_not_forgotten(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """Files that came and went while the state could not be written are taken in afterwards."""
    plant(root / "gone.yml")
    seen = watch(root)
    seen.rest()
    with unwritable(seen):
        os.unlink(root / "gone.yml")
        plant(root / "new.yml")
        os.symlink("/etc/hostname", root / "link")
    seen.rest()
    assert seen.open == {str(root / "new.yml")}


def test_a_step_of_the_first_walk_that_could_not_be_kept_is_gone_again(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """All that was beside it is found."""
    (root / "a").mkdir()
    plant(root / "a" / "one.yml")
    os.symlink("/etc/hostname", root / "a" / "link")
    seen = watch(root)
    with unwritable(seen):
        pass
    seen.rest()
    assert str(root / "a" / "one.yml") in seen.open


def test_a_file_that_never_rests_keeps_no_gap_open(root: Path, watch: Watch) -> None:
    """What changed while nobody watched was looked at, though it goes on changing."""
    place = root / "log"
    place.write_text("x\n")
    seen = watch(root)
    seen.watcher.everything(reason="agent was not running", since=1000)

    def write() -> bool:
        with place.open("a") as file:
            file.write("x\n")
        return any(event.gap and event.gap.ended for event in seen.events)

    seen.until(write)
    gaps = [gap for event in seen.events if (gap := event.gap)]
    assert [(gap.reason, gap.started, bool(gap.ended)) for gap in gaps] == [
        ("agent was not running", 1000, False),
        ("agent was not running", 1000, True),
    ]


def test_keys_are_judged_though_a_crash_came_between(root: Path, watch: Watch) -> None:
    """A start does not know what was joined before it."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name in ("one.key", "two.key"):
        (root / name).write_bytes(text)
    seen = watch(root)
    seen.until(lambda: "key-shared" in seen.checks)
    seen.ledger.observe("keys", Look(), time.time())  # as if it had not come to it
    seen = watch(root)
    seen.until(lambda: "key-shared" in seen.checks)


def test_a_clock_that_was_set_back_ends_no_gap_before_it_began(root: Path, watch: Watch) -> None:
    """A gap of an agent that last ran tomorrow begins now."""
    seen = watch(root)
    seen.watcher.everything(reason="agent was not running", since=time.time() + 86_400)
    seen.rest()
    gaps = [gap for event in seen.events if (gap := event.gap)]
    assert gaps[-1].ended >= gaps[-1].started
    assert gaps[-1].started <= time.time()


def test_who_uses_up_its_share_waits_behind_its_own_files() -> None:
    """Others' files do not stand behind them, and that they wait for long is told."""
    waiting = Waiting()
    for number in range(100):
        waiting.hold(f"a{number}", 1, 0.0, 30.0)
    waiting.hold("b", 2, 0.0, 1.0)
    waiting.due(2.0)
    assert waiting.next() == "b"
    assert waiting.next() is None
    assert waiting.starved(20.0, 15.0) == {1: 0.0}
    waiting.due(31.0)
    assert waiting.next() == "a0"
    assert len(waiting) == 99


def test_one_huge_file_stops_neither_others_nor_its_owner_for_long() -> None:
    """Whoever makes it pays, and not for days."""
    shares = Shares(64.0, 32.0, 0.0)
    shares.take(1, 1e13, 0.0)
    assert shares.wait(2, 1.0, 5.0) == 0
    assert 10 < shares.wait(1, 1.0, 5.0) < 100
