"""Snapshots: what was published is read; anything else is nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import snapshot


class Seen(msgspec.Struct, frozen=True):
    """Something to publish."""

    name: str
    count: int = 0


class Other(msgspec.Struct, frozen=True):
    """Something else."""

    count: str


@pytest.mark.parametrize("name", ["plain", "\udcff in it"])
def test_what_was_published_last_is_read(tmp_path: Path, name: str) -> None:
    """Names that are not UTF-8 too."""
    path = tmp_path / "status"
    snapshot.write(path, Seen("before"))
    snapshot.write(path, Seen(name, 2))
    assert snapshot.read(path, Seen) == Seen(name, 2)
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["status"]


def test_what_cannot_be_believed_is_nothing(tmp_path: Path) -> None:
    """A value of another type, a link, a FIFO, a folder, one over the limit, and none at all."""
    path = tmp_path / "status"
    assert snapshot.read(path, Seen) is None
    snapshot.write(path, Seen("x" * 100))
    assert snapshot.read(path, Other) is None
    assert snapshot.read(path, Seen, most=50) is None
    (tmp_path / "link").symlink_to(path)
    assert snapshot.read(tmp_path / "link", Seen) is None
    os.mkfifo(tmp_path / "fifo")
    assert snapshot.read(tmp_path / "fifo", Seen) is None
    assert snapshot.read(tmp_path, Seen) is None
    assert snapshot.read(path, Seen) == Seen("x" * 100)


@given(st.data())
def test_a_damaged_snapshot_is_nothing(data: st.DataObject) -> None:
    """Cut short or changed in any byte it is not believed."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "status"
        snapshot.write(path, Seen("name", 7))
        whole = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(whole) - 1))
        if data.draw(st.booleans()):
            del whole[at:]
        else:
            whole[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(whole)
        assert snapshot.read(path, Seen) is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The error names the file and nothing of its content."""
    with pytest.raises(snapshot.SnapshotError, match="No such file"):
        snapshot.write(tmp_path / "missing" / "status", Seen("x"))


def test_a_mark_tells_one_version_from_the_next(tmp_path: Path) -> None:
    """Also where the same is published again; nothing has none."""
    path = tmp_path / "status"
    assert snapshot.mark(path) is None
    snapshot.write(path, Seen("same"))
    first = snapshot.mark(path)
    assert first == snapshot.mark(path)
    snapshot.write(path, Seen("same"))
    assert snapshot.mark(path) not in {None, first}
