"""Roots and links are watched wherever they lead, come when they may, and trick nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from agent.watch import links, listing
from agent.watch.roots import Roots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.watch.conftest import Plant, Watching

    Watch = Callable[..., Watching]


def test_a_root_that_comes_later_is_watched_when_it_comes(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """Without a sweep, and though not even the folder above it is there at the start."""
    seen = watch(root / "a" / "b" / "c")
    seen.rest()
    (root / "a").mkdir()
    seen.rest()
    (root / "a" / "b" / "c").mkdir(parents=True)
    plant(root / "a" / "b" / "c" / "one.yml")
    (root / "a" / "beside.yml").write_text("password: Pw8h2kq9x1Q\n")
    seen.rest()
    plant(root / "a" / "b" / "c" / "two.yml")
    seen.rest()
    assert seen.open == {*plant.planted}


def test_a_root_that_is_made_again_is_watched_again(root: Path, watch: Watch, plant: Plant) -> None:
    """What was in it before is gone, what is in it now is found."""
    top = root / "top"
    top.mkdir()
    plant(top / "one.yml")
    seen = watch(top)
    seen.rest()
    shutil.rmtree(top)
    seen.rest()
    assert seen.open == set()
    top.mkdir()
    seen.rest()
    plant(top / "two.yml")
    seen.rest()
    assert seen.open == {str(top / "two.yml")}


def test_a_root_that_is_a_link_is_watched_under_its_own_name(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """Also when it, or a link on the way to it, is turned to somewhere else."""
    for name in ("one", "two"):
        (root / name / "inside").mkdir(parents=True)
        plant(root / name / "inside" / f"{name}.yml")
    os.symlink("one", root / "way")
    os.symlink("way/inside", root / "top")
    top = root / "top"
    seen = watch(top)
    seen.rest()
    assert seen.open == {str(top / "one.yml")}
    plant(root / "one" / "inside" / "more.yml")
    seen.rest()
    assert seen.open == {str(top / "one.yml"), str(top / "more.yml")}
    os.symlink("two", root / "new")
    os.rename(root / "new", root / "way")
    seen.rest()
    assert seen.open == {str(top / "two.yml")}
    plant(root / "two" / "inside" / "more.yml")
    seen.rest()
    assert seen.open == {str(top / "two.yml"), str(top / "more.yml")}


def test_another_users_link_on_the_way_to_a_root_is_not_followed(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """It could lead to what they do not own; that nothing is seen there is a gap."""
    (root / "real").mkdir()
    plant(root / "real" / "one.yml")
    os.symlink("real", root / "top")
    os.lchown(root / "top", 12345, 12345)
    seen = watch(root / "top")
    seen.rest()
    assert seen.open == set()
    [gap] = [gap for event in seen.events if (gap := event.gap)]
    assert (gap.subject, gap.ended) == (str(root / "top"), 0)


def test_a_link_through_a_folder_that_is_a_link_is_followed_when_that_is_turned(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """As releases are switched: the old one is over, the new one is looked at."""
    for name in ("r1", "r2"):
        (tmp_path / "releases" / name).mkdir(parents=True)
        plant(tmp_path / "releases" / name / "app.yml")
    os.symlink("releases/r1", tmp_path / "current")
    os.symlink(tmp_path / "current" / "app.yml", root / "app.yml")
    seen = watch(root)
    seen.rest()
    assert seen.open == {str(tmp_path / "releases" / "r1" / "app.yml")}
    os.symlink("releases/r2", tmp_path / "new")
    os.rename(tmp_path / "new", tmp_path / "current")
    seen.rest()
    assert seen.open == {str(tmp_path / "releases" / "r2" / "app.yml")}


def test_a_link_to_nothing_is_followed_when_something_comes(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """Whether the file was missing or the folder that it is in."""
    os.symlink(tmp_path / "folder" / "app.yml", root / "app.yml")
    seen = watch(root)
    seen.rest()
    (tmp_path / "folder").mkdir()
    seen.rest()
    plant(tmp_path / "folder" / "app.yml")
    seen.rest()
    assert seen.open == {*plant.planted}
    shutil.rmtree(tmp_path / "folder")
    seen.rest()
    assert seen.open == set()


def test_what_a_link_leads_to_is_found_changed_after_a_restart(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """A file outside is compared with the index as any other."""
    (tmp_path / "app.yml").write_text("a: b\n")
    os.symlink(tmp_path / "app.yml", root / "app.yml")
    watch(root).rest()
    plant(tmp_path / "app.yml")
    seen = watch(root)
    seen.rest()
    assert seen.open == {*plant.planted}


def test_a_folder_that_became_a_link_leads_nobody_astray(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """What lies behind it is not read under the name that a file had."""
    (root / "d").mkdir()
    plant(root / "d" / "app.yml")
    (tmp_path / "private").mkdir()
    plant(tmp_path / "private" / "app.yml")
    seen = watch(root)
    seen.rest()
    os.rename(root / "d", root / "e")
    os.symlink(tmp_path / "private", root / "d")
    os.lchown(root / "d", 12345, 12345)
    seen.rest()
    assert seen.open == {str(root / "e" / "app.yml")}
    assert seen.watcher.numbers["looked"] == 2


def test_a_folder_is_listed_where_it_is_or_not_at_all(tmp_path: Path) -> None:
    """A link on the way is noticed; control: the folder itself is listed, in parts."""
    (tmp_path / "real" / "sub").mkdir(parents=True)
    for number in range(5):
        (tmp_path / "real" / "sub" / f"{number}").write_text("x")
    os.symlink("real", tmp_path / "link")
    place = str(tmp_path / "real" / "sub")
    found = list(listing.parts(place, place, 2))
    assert sorted(name for part in found for name in part.files) == list("01234")
    assert [part.last for part in found] == [False, False, True]
    wrong = str(tmp_path / "link" / "sub")
    with pytest.raises(FileNotFoundError):
        list(listing.parts(wrong, wrong))
    with pytest.raises(NotADirectoryError):
        list(listing.parts(str(tmp_path / "link"), str(tmp_path / "link")))


def test_links_into_the_kernels_file_systems_lead_nowhere(tmp_path: Path) -> None:
    """A link there is no path, and can lead out of what its maker may see."""
    os.symlink("/proc/self/root/etc/passwd", tmp_path / "link")
    os.symlink("/etc/passwd", tmp_path / "control")

    def leave_out(path: str) -> bool:
        return path == "/proc"

    assert links.resolve(str(tmp_path / "link"), leave_out) is None
    control = links.resolve(str(tmp_path / "control"), leave_out)
    assert control is not None
    assert control.real == "/etc/passwd"


@pytest.mark.parametrize("told", ["loop", "loop/deeper", "chain41"])
def test_links_that_never_end_lead_nowhere(tmp_path: Path, told: str) -> None:
    """A loop, and a chain that is longer than what the kernel follows."""
    os.symlink("loop", tmp_path / "loop")
    (tmp_path / "chain0").write_text("x")
    for number in range(1, 42):
        os.symlink(f"chain{number - 1}", tmp_path / f"chain{number}")
    assert links.resolve(str(tmp_path / told), lambda _: False) is None
    ends = links.resolve(str(tmp_path / "chain40"), lambda _: False)
    assert ends is not None
    assert ends.real == os.path.realpath(tmp_path / "chain0")


def test_a_root_in_another_one_is_walked_once(tmp_path: Path) -> None:
    """Unless the way from the one to the other is a link."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "out" / "c").mkdir(parents=True)
    os.symlink(tmp_path / "out", tmp_path / "a" / "link")
    top = str(tmp_path / "a")
    assert Roots([top, f"{top}/b"]).all == (top,)
    assert Roots([f"{top}/link/c", top]).all == (top, f"{top}/link/c")


@pytest.mark.parametrize("inside", [True, False])
def test_what_is_mounted_and_unmounted_is_seen(
    root: Path, watch: Watch, plant: Plant, *, inside: bool
) -> None:
    """On a folder of the tree and on one above it; what it hid is found again."""
    top = root / "a" / "top"
    top.mkdir(parents=True)
    plant(top / "under.yml")
    seen = watch(top)
    seen.rest()
    point = top if inside else root / "a"
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(point)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs to mount a file system")
    try:
        top.mkdir(exist_ok=True)
        seen.until(lambda: seen.open == set())
        plant(top / "over.yml")
        seen.until(lambda: seen.open == {str(top / "over.yml")})
        plant(top / "more.yml")
        seen.until(lambda: seen.open == {str(top / "over.yml"), str(top / "more.yml")})
    finally:
        subprocess.run(["umount", str(point)], check=False)
    seen.until(lambda: seen.open == {str(top / "under.yml")})
    seen.rest()
    plant(top / "new.yml")
    seen.until(lambda: seen.open == {str(top / "under.yml"), str(top / "new.yml")})
