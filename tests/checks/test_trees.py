"""Walking: everything is named, nothing is followed, nothing is missed silently."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from checks import files, trees
from checks.files import NotApplicable, Opened
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path


def kinds(root: Path, *exclude: str) -> dict[str, str]:
    """Walk a folder: what each name below it is, "file" for what would be opened."""
    found = {}
    for one in trees.walk([str(root)], exclude):
        path = one if isinstance(one, str) else one.path
        kind = "file" if isinstance(one, str) else getattr(one, "kind", "") or one.reason  # type: ignore[union-attr]  # the third has one
        found[os.path.relpath(path, root)] = kind
    return found


def test_walk_names_what_is_no_file(tmp_path: Path) -> None:
    """Links, FIFOs and sockets are counted by kind, and only regular files are given out."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/plain").write_text("x")
    (tmp_path / "to-file").symlink_to("sub/plain")
    (tmp_path / "to-folder").symlink_to("sub")
    (tmp_path / "up").symlink_to("..")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "itself").symlink_to("itself")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(tmp_path, os.O_PATH)
        listening.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
        assert kinds(tmp_path) == {
            "sub/plain": "file",
            "to-file": "link",
            "to-folder": "link",
            "up": "link",
            "dangling": "dangling link",
            "itself": "dangling link",
            "fifo": "fifo",
            "socket": "socket",
        }


def test_walk_and_open_leave_devices_alone(tmp_path: Path) -> None:
    """A device is named in a tree and refused when it is opened."""
    try:
        os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("making a device needs a privilege")
    assert kinds(tmp_path) == {"null": "device"}
    assert files.open_file(str(tmp_path / "null")) == NotApplicable(
        str(tmp_path / "null"), "device"
    )


def test_a_root_that_cannot_be_looked_at_is_inconclusive(tmp_path: Path) -> None:
    """What a person asked for by name is never passed over as not applicable."""
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo")
    roots = [str(tmp_path / name) for name in ("missing", "dangling", "fifo")]
    reasons = [one.reason for one in trees.walk(roots) if isinstance(one, Inconclusive)]
    assert reasons == ["not found", "not found", "not a file or a folder"]


def test_a_root_that_is_a_link_is_followed(tmp_path: Path) -> None:
    """A link given by name leads to its folder or file; a link below it does not."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/plain").write_text("x")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "file").symlink_to("real/plain")
    assert list(trees.walk([str(tmp_path / "folder")])) == [str(tmp_path / "folder/plain")]
    assert list(trees.walk([str(tmp_path / "file")])) == [str(tmp_path / "real/plain")]


def test_what_may_not_be_read_is_inconclusive(
    tmp_path: Path, unprivileged: Callable[[], AbstractContextManager[None]]
) -> None:
    """A closed folder and a closed file are unseen; open ones beside them are given out."""
    for parent in (tmp_path, *tmp_path.parents):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(0o711)
    tmp_path.chmod(0o755)
    for name in ("closed", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "secret").chmod(0)
    with unprivileged():
        walked = kinds(tmp_path)
        refused = files.open_file(str(tmp_path / "secret"))
        allowed = files.open_file(str(tmp_path / "open/file"))
    assert isinstance(allowed, Opened)
    os.close(allowed.descriptor)
    (tmp_path / "closed").chmod(0o755)
    assert walked == {"closed": "permission denied", "open/file": "file", "secret": "file"}
    assert refused == Inconclusive(str(tmp_path / "secret"), "permission denied", "EACCES")


def test_names_that_are_not_utf8_are_opened_again(tmp_path: Path) -> None:
    """The path that a walk gives opens the file, whatever bytes its name has."""
    names = [b"caf\xe9", b"\xff\xfe", b"new\nline", b"-rf", b"\xf0\x9f\x94\x91"]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:
            file.write(name)
    seen = []
    for path in trees.walk([str(tmp_path)]):
        assert isinstance(path, str)
        file_ = files.open_file(path)
        assert isinstance(file_, Opened)
        seen.append(files.whole(file_))
        os.close(file_.descriptor)
    assert sorted(map(bytes, seen)) == sorted(names)  # type: ignore[arg-type]  # all are bytes


def test_kernel_file_systems_are_passed_over(tmp_path: Path) -> None:
    """/proc is named as what it is, also below a root that is reached through a link."""
    (tmp_path / "host").symlink_to("/")
    for root in ("/", str(tmp_path / "host")):
        top = itertools.islice(trees.walk([root]), 40)
        pseudo = {one.path for one in top if getattr(one, "kind", "") == "pseudo file system"}  # type: ignore[union-attr]  # what has a kind has a path
        assert os.path.join(root, "proc") in pseudo
        assert os.path.join(root, "usr") not in pseudo


def test_a_kernel_file_system_asked_for_is_walked() -> None:
    """Only what lies below a root is passed over, not the root itself."""
    walked = itertools.islice(trees.walk([f"/proc/{os.getpid()}/net"]), 1)
    assert [one for one in walked if getattr(one, "kind", "") != "pseudo file system"]


def test_globs_exclude_files_and_whole_folders(tmp_path: Path) -> None:
    """A glob is matched against the whole path, and its star crosses slashes."""
    for name in ("keep/a.txt", "keep/b.bak", "drop/deep/c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert kinds(tmp_path, "*.bak", f"{tmp_path}/drop*") == {
        "keep/a.txt": "file",
        "keep/b.bak": "excluded path",
        "drop": "excluded path",
    }
    assert "excluded path" not in kinds(tmp_path, "*.nothing", "a.txt").values()


def test_what_vanishes_during_a_walk_is_no_fault(tmp_path: Path) -> None:
    """A folder or file that is gone when its turn comes has no content any more."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    walk = trees.walk([str(tmp_path)])
    first = next(walk)
    assert isinstance(first, str)
    for name in "abc":
        shutil.rmtree(tmp_path / name)
    rest = list(walk)
    assert {one.kind for one in rest if isinstance(one, NotApplicable)} == {"vanished"}
    assert not [one for one in rest if isinstance(one, Inconclusive)]
    assert files.open_file(first) == NotApplicable(first, "vanished")
