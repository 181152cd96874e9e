"""The file sink: whole lines only, whatever happened before, and turned over when full."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import sinks
from agent.sinks import Delivered, Retry, SinkError
from agent.sinks.file import File

if TYPE_CHECKING:
    from tests.agent.sinks.conftest import Batches


def make(folder: Path, **told: object) -> File:
    made = sinks.make("local", {"kind": "file", **told}, folder)
    assert isinstance(made, File)
    return made


def sequences(path: Path) -> list[int]:
    return [json.loads(line)["metadata"]["sequence"] for line in path.read_bytes().splitlines()]


def test_lines_are_appended(tmp_path: Path, batch: Batches) -> None:
    """Batches follow one another, in a file that others cannot read."""
    one = make(tmp_path)
    assert one.deliver(batch(1, 2)) == Delivered()
    assert one.deliver(batch(3)) == Delivered()
    path = tmp_path / "events.jsonl"
    assert sequences(path) == [1, 2, 3]
    assert path.stat().st_mode & 0o007 == 0


def test_half_a_line_spoils_nothing(tmp_path: Path, batch: Batches) -> None:
    """What a crash cut off stays a line of its own; the events behind it can be read."""
    one = make(tmp_path)
    one.deliver(batch(1))
    path = tmp_path / "events.jsonl"
    with path.open("ab") as file:
        file.write(b'{"metadata": {"ui')
    assert one.deliver(batch(2)) == Delivered()
    lines = path.read_bytes().splitlines()
    assert len(lines) == 3
    assert json.loads(lines[2])["metadata"]["sequence"] == 2


def test_a_full_disk_leaves_no_half_line(batch: Batches) -> None:
    """Where nothing can be written it is a retry that says so."""
    made = make(Path("/"), path="/dev/full")
    assert made.deliver(batch(1)) == Retry("/dev/full: not a regular file")


def test_turned_over(tmp_path: Path, batch: Batches) -> None:
    """A full file is put aside, so many are kept, and the newest is the one without a number."""
    path = tmp_path / "out.jsonl"
    one = make(tmp_path, path=str(path), mib=1, keep=2)
    for number in range(1, 5):
        assert one.deliver(batch(number, detail="x" * 600_000)) == Delivered()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        *("out.jsonl", "out.jsonl.1", "out.jsonl.2")
    ]
    assert (sequences(path), sequences(tmp_path / "out.jsonl.1")) == ([4], [3])


@pytest.mark.parametrize("what", ["link", "fifo", "folder"])
def test_what_is_no_file_is_not_written(what: str, tmp_path: Path, batch: Batches) -> None:
    """A link is not followed, and a pipe does not hold up the courier."""
    path = tmp_path / "events.jsonl"
    if what == "link":
        (tmp_path / "victim").touch()
        path.symlink_to(tmp_path / "victim")
    elif what == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    assert isinstance(make(tmp_path).deliver(batch(1)), Retry)
    if what == "link":
        assert (tmp_path / "victim").read_bytes() == b""


def test_a_path_has_to_be_whole(tmp_path: Path) -> None:
    """A relative path would depend on where somebody started the daemon."""
    with pytest.raises(SinkError, match="absolute"):
        make(tmp_path, path="events.jsonl")


def test_it_is_let_go_again(tmp_path: Path, batch: Batches) -> None:
    """No descriptor is left behind, also where it failed."""
    (tmp_path / "events.jsonl").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    one = make(tmp_path)
    for _ in range(5):
        one.deliver(batch(1))
    assert len(os.listdir("/proc/self/fd")) == before
