"""The key that keeper and watcher compare by: in memory, the keeper's alone, one for a while."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import comparekey
from agent.home import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder in memory, as /run is."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def test_both_sides_have_the_same_key_until_it_is_gone(shared: Path) -> None:
    """A restart of the keeper keeps it, a start of the machine brings another one."""
    made = comparekey.made(str(shared))
    mark = comparekey.mark(str(shared))
    read = comparekey.read(str(shared))
    assert read is not None
    assert (read.id, read.of("v"), read.careful) == (made.id, made.of("v"), True)
    assert comparekey.made(str(shared)).id == made.id
    assert comparekey.mark(str(shared)) == mark
    (shared / "compare.key").unlink()
    assert comparekey.made(str(shared)).id != made.id
    assert comparekey.mark(str(shared)) != mark


def test_only_its_owner_can_read_it(shared: Path) -> None:
    """Other roles share the group; the watcher may open every file."""
    comparekey.made(str(shared))
    assert (shared / "compare.key").stat().st_mode & 0o7777 == 0o400


def test_it_is_never_made_on_a_disk(tmp_path: Path, shared: Path) -> None:
    """A folder that may be on one is refused, and one that is not there."""
    if os.statvfs(tmp_path).f_fsid != os.statvfs(shared).f_fsid:
        with pytest.raises(StateError, match="may be on a disk"):
            comparekey.made(str(tmp_path))
        assert list(tmp_path.iterdir()) == []
    with pytest.raises(StateError, match="No such file"):
        comparekey.made(str(shared / "missing"))


def test_what_is_no_key_is_not_believed(shared: Path) -> None:
    """None, of another length, a link, a pipe, readable by others."""
    path = shared / "compare.key"
    assert comparekey.read(str(shared)) is None
    for content, mode in ((b"k" * 31, 0o400), (b"k" * 33, 0o400), (b"k" * 32, 0o440)):
        path.write_bytes(content)
        path.chmod(mode)
        assert comparekey.read(str(shared)) is None
        path.unlink()
    (shared / "other").write_bytes(b"k" * 32)
    (shared / "other").chmod(0o400)
    path.symlink_to(shared / "other")
    assert comparekey.read(str(shared)) is None
    path.unlink()
    os.mkfifo(path, 0o400)
    assert comparekey.read(str(shared)) is None
