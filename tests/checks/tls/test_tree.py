"""The files below a root, from which nothing leads out."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from checks.tls.tree import RootTree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Give a file beside the root, which nobody inside may see."""
    file = tmp_path / "outside"
    file.write_text("outside")
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a root with a file and folders in it."""
    root = tmp_path / "root"
    (root / "etc/more").mkdir(parents=True)
    (root / "etc/a.conf").write_text("inside")
    return root


def read(root: Path, path: str) -> str | None:
    with RootTree(str(root)) as tree:
        return tree.read(path)


def test_files_are_read_by_the_paths_of_those_inside(root: Path) -> None:
    """With and without dots, doubled slashes and a leading one; what is not there is None."""
    for path in ("/etc/a.conf", "etc/a.conf", "//etc//./a.conf", "/etc/more/../a.conf"):
        assert read(root, path) == "inside"
    assert read(root, "/etc/b.conf") is None


@pytest.mark.parametrize(
    "path",
    [
        *("/../outside", "/etc/../../outside", "/../../../../../etc/passwd", "/up", "/far", "/way"),
        *("/etc/a.conf/../../../outside", "/etc/a.conf/", "/etc/a.conf/.", "/loop", "/\0", "", "/"),
        *("/etc", "/gone", "/" + "x" * 5000, "/x" * 5000),
    ],
)
def test_no_way_leads_out(root: Path, outside: Path, path: str) -> None:
    """Neither dots nor links, absolute or relative, nor folders, loops and odd names are read."""
    (root / "up").symlink_to("../outside")
    (root / "far").symlink_to(outside)
    (root / "way").symlink_to("etc/more/../../../../../" + str(outside))
    (root / "loop").symlink_to("loop")
    assert read(root, path) is None
    with RootTree(str(root)) as tree:
        assert tree.glob(path) in {(), ("/etc",), ("/etc/a.conf",)} or path == "/loop"


def test_links_are_followed_inside(root: Path) -> None:
    """Absolute targets begin at the root, dots stop there, and chains are followed."""
    (root / "one").symlink_to("/etc/a.conf")
    (root / "etc/two").symlink_to("../../../one")
    (root / "folder").symlink_to("etc/more")
    (root / "etc/more/three").symlink_to("../two")
    assert [read(root, path) for path in ("/one", "/etc/two", "/folder/three")] == ["inside"] * 3
    assert read(root, "/folder/../a.conf") == "inside"


def test_only_regular_files_are_opened(root: Path) -> None:
    """A FIFO, a socket and a device do not block and are told."""
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as server, RootTree(str(root)) as tree:
        server.bind(str(root / "s"))
        assert tree.read("/fifo") is None
        assert tree.read("/s") is None
        assert len(tree.unseen) == 2
    with RootTree() as host:
        assert host.read("/dev/zero") is None


def test_large_and_many_files_are_gaps(root: Path) -> None:
    """A file over the limit and files over the number are not read; up to them they are."""
    (root / "big").write_bytes(b"x" * 101)
    (root / "fits").write_bytes(b"x" * 100)
    with RootTree(str(root), size=100, files=3) as tree:
        assert tree.read("/big") is None
        assert tree.unseen == ("/big: too large",)
        assert tree.read("/fits")
        assert tree.read("/etc/a.conf")
        assert tree.read("/etc/a.conf")
        assert tree.read("/etc/more/x") is None
        assert tree.unseen[1:] == ("more than 3 files",)


def test_what_is_not_there_is_no_gap(root: Path) -> None:
    """A missing file is None without a word; one that may not be read is told."""
    with RootTree(str(root)) as tree:
        assert tree.read("/none") is None
        assert tree.glob("/none/*") == ()
        assert tree.unseen == ()
        (root / "loop").symlink_to("loop")
        assert tree.read("/loop") is None
        assert tree.unseen == ("/loop: too many links",)


def test_bytes_that_are_not_utf8_are_latin1(root: Path) -> None:
    """A text is UTF-8 as a whole or Latin-1 as a whole."""
    (root / "a").write_bytes(b"\xc3\xa4")
    (root / "b").write_bytes(b"\xc3\xa4 \xff")
    assert (read(root, "/a"), read(root, "/b")) == ("ä", "Ã¤ ÿ")


def test_patterns_fit_as_in_a_shell(root: Path) -> None:
    """In order, over folders and links, without hidden files unless they are asked for."""
    for name in ("b.conf", ".c.conf", "d.old", "B.conf", "é.conf"):
        (root / "etc" / name).write_text("")
    (root / "etc/link.conf").symlink_to("/gone")
    (root / "also").symlink_to("etc")
    patterns = {
        "/etc/*.conf": "B.conf a.conf b.conf link.conf é.conf",
        "/also/[ab].con?": "a.conf b.conf",
        "/etc/[!a].conf": "B.conf b.conf é.conf",
        "/etc/[^ab].conf": "B.conf é.conf",
        "/etc/.*": ".c.conf",
        "/*/d.*": "d.old d.old",
        "/etc/a.conf": "a.conf",
        "/etc/none*": "",
        "/etc/a.conf/*": "",
        "/etc/more/*": "",
        "/etc/more/.": ".",
        "/etc/a.conf/.": "",
    }
    with RootTree(str(root)) as tree:
        found = {one: " ".join(map(os.path.basename, tree.glob(one))) for one in patterns}
        assert found == patterns
        assert tree.glob("/e*/m*") == ("/etc/more",)
        assert tree.unseen == ()


def test_a_shell_names_the_same(root: Path) -> None:
    """`sh` expands patterns to the same names in the same order."""
    for name in ("a1", "a10", "a2", "A1", "b", "[a]1", ".a1", "-x", "a b"):
        (root / "etc/more" / name).write_text("")
    for pattern in ("*", "a*", "[a-b]*", "[[]*", "?1", "a[!1]*", ".a*"):
        shell = subprocess.run(
            ["sh", "-c", f"printf '%s\\n' {pattern}"],
            check=True,
            capture_output=True,
            text=True,
            cwd=root / "etc/more",
            env={"LC_ALL": "C"},
        ).stdout.split("\n")[:-1]
        with RootTree(str(root)) as tree:
            names = [path.rpartition("/")[2] for path in tree.glob(f"/etc/more/{pattern}")]
        assert names == shell


def test_hostile_trees_end_soon(root: Path) -> None:
    """Folders of links to themselves, chains and patterns of stars cost no more than limits."""
    for name in "abcdefgh":
        (root / name).symlink_to("/")
    chain = root / "etc/more"
    for number in range(100):
        (chain / str(number)).symlink_to(str(number + 1))
    (root / ("a" * 200)).write_text("")
    started = time.monotonic()
    with RootTree(str(root)) as tree:
        assert tree.read("/etc/more/0") is None
        assert tree.read("/" + "a/" * 30 + "etc/a.conf") == "inside"
        assert tree.read("/" + "a/" * 60 + "etc/a.conf") is None
        assert len(tree.glob("/*" * 12)) < 100_000
        assert tree.glob("/" + "*a" * 60 + "b") == ()
        assert tree.unseen
    assert time.monotonic() - started < 30


def test_a_root_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A tree of nothing is refused; a folder through a link is a root."""
    with pytest.raises(OSError, match="gone"):
        RootTree(str(tmp_path / "gone"))
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with RootTree(str(tmp_path / "link")) as tree:
        assert tree.glob("/*") == ()


def test_no_descriptor_is_left(root: Path) -> None:
    """Reading, globbing and failing close all that they open."""
    before = sorted(os.listdir("/proc/self/fd"))
    (root / "up").symlink_to("/etc/../etc/none")
    with RootTree(str(root)) as tree:
        for path in ("/etc/a.conf", "/up", "/etc/more/../../etc", "/gone/x"):
            tree.read(path)
            tree.glob(path + "/*")
    assert sorted(os.listdir("/proc/self/fd")) == before
