"""Opening and reading: nothing is followed, nothing blocks, nothing is missed silently."""

from __future__ import annotations

import os
import stat
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from checks import files
from checks.files import CHUNK, OVERLAP, Opened, Piece
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a regular file as a scan does."""
    file = files.open_file(str(path))
    assert isinstance(file, Opened)
    try:
        yield file
    finally:
        os.close(file.descriptor)


def numbered(count: int) -> bytes:
    """Make lines that say their own number."""
    return b"".join(b"line %08d of the file\n" % number for number in range(1, count + 1))


def test_opening_never_follows_or_blocks(tmp_path: Path) -> None:
    """Links, FIFOs without a writer, sockets and folders are refused at once."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    refused = {
        name: files.open_file(str(tmp_path / name)) for name in ("link", "fifo", "", "missing")
    }
    assert {name: getattr(one, "kind", "") for name, one in refused.items()} == {
        "link": "link",
        "fifo": "fifo",
        "": "special",
        "missing": "vanished",
    }


def test_access_names_owner_and_mode(tmp_path: Path) -> None:
    """Who may read a file comes from its mode bits; an unknown number has no name."""
    (tmp_path / "file").write_text("x")
    for mode, readers in ((0o600, "owner"), (0o640, "group"), (0o604, "everyone")):
        (tmp_path / "file").chmod(mode)
        with opened(tmp_path / "file") as file:
            told = files.access(file.status)
        assert (told.mode, told.readers, told.uid) == (mode, readers, os.getuid())
    unknown = os.stat_result((0o100644, 1, 1, 1, 3_000_000_001, 3_000_000_002, 0, 0, 0, 0))
    assert (files.access(unknown).owner, files.access(unknown).group) == ("", "")


def test_a_whole_file_is_read_as_it_is_now(tmp_path: Path) -> None:
    """A file that was cut or went on after it was opened is read as it stands."""
    path = tmp_path / "file"
    for change, expected in (
        (b"", b"0123456789"),
        (b"more", b"0123456789more"),
        (b"x" * 3 * OVERLAP, b"0123456789" + b"x" * 3 * OVERLAP),
    ):
        path.write_bytes(b"0123456789")
        with opened(path) as file:
            with open(path, "ab") as writer:
                writer.write(change)
            assert files.whole(file) == expected
    for left in (4, 0):
        path.write_bytes(b"0123456789")
        with opened(path) as file:
            os.truncate(path, left)
            assert files.whole(file) == b"0123456789"[:left]


def test_a_file_without_a_size_is_read_to_its_end() -> None:
    """Files of /proc say they are empty; what they hold is read nevertheless."""
    file = files.open_file("/proc/self/status")
    assert isinstance(file, Opened)
    assert file.status.st_size == 0
    data = files.whole(file)
    os.close(file.descriptor)
    assert isinstance(data, bytes)
    assert data.startswith(b"Name:")
    assert data.endswith(b"\n")
    assert data.count(b"\n") > 20


def test_a_file_that_fails_while_being_read_is_inconclusive() -> None:
    """An error of the device is no empty file."""
    file = files.open_file("/proc/self/mem")
    assert isinstance(file, Opened)
    assert files.whole(file) == Inconclusive("/proc/self/mem", "cannot be read", "EIO")
    os.close(file.descriptor)


@pytest.mark.parametrize("large", [False, True])
def test_a_writer_at_work_does_no_harm(tmp_path: Path, *, large: bool) -> None:
    """While another process cuts and fills a file, reading gives data or says that it shrank."""
    path = tmp_path / "busy"
    size = CHUNK + OVERLAP if large else OVERLAP
    path.write_bytes(b"x" * size)
    stop = threading.Event()

    def write() -> None:
        with open(path, "r+b", buffering=0) as file:
            while not stop.is_set():
                file.truncate(1)
                file.truncate(size)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            with opened(path) as file:
                got = [files.whole(file)] if not large else list(files.pieces(file))
                for one in got:
                    if isinstance(one, Inconclusive):
                        assert one.reason == "changed while being read"
                    else:
                        data = one if isinstance(one, bytes) else one.data
                        assert len(data) <= CHUNK + OVERLAP
                        assert not data.strip(b"x\0")
    finally:
        stop.set()
        writer.join()


def test_pieces_make_up_the_file_and_part_no_line(tmp_path: Path) -> None:
    """Without their overlaps the pieces are the file; each begins at the line it says."""
    data = numbered(700_000)
    (tmp_path / "large").write_bytes(data)
    with opened(tmp_path / "large") as file:
        got = [one for one in files.pieces(file) if isinstance(one, Piece)]
    assert len(got) == 3
    assert b"".join(one.data[one.overlap :] for one in got) == data
    assert [one.overlap for one in got] == [0, OVERLAP, OVERLAP]
    for one in got[1:]:
        end_of_line = one.data.index(b"\n") + 1
        following = one.data[end_of_line : data.index(b"\n") + 1 + end_of_line]
        assert following == b"line %08d of the file\n" % (one.line + 1)
    for one in got[:-1]:
        parted = one.data[one.data.rindex(b"\n") + 1 :]
        assert len(parted) < 4  # wide characters stay whole


def test_one_long_line_is_parted_between_words(tmp_path: Path) -> None:
    """Without a line end in reach a piece ends behind a blank; without one, anywhere."""
    (tmp_path / "words").write_bytes(b"wording " * (CHUNK // 4))
    (tmp_path / "solid").write_bytes(b"w" * (CHUNK + 9))
    with opened(tmp_path / "words") as file:
        first, *_ = list(files.pieces(file))
    assert isinstance(first, Piece)
    assert first.data.endswith(b" ")
    with opened(tmp_path / "solid") as file:
        got = [one for one in files.pieces(file) if isinstance(one, Piece)]
    assert sum(len(one.data) - one.overlap for one in got) == CHUNK + 9


def test_a_large_file_that_is_cut_is_inconclusive(tmp_path: Path) -> None:
    """What was read before stays, and the missing rest is told."""
    (tmp_path / "large").write_bytes(numbered(700_000))
    with opened(tmp_path / "large") as file:
        pieces = files.pieces(file)
        assert isinstance(next(pieces), Piece)
        os.truncate(tmp_path / "large", CHUNK // 2)
        assert list(pieces) == [
            Inconclusive(str(tmp_path / "large"), "changed while being read", "shrank")
        ]


def test_holes_are_passed_over(tmp_path: Path) -> None:
    """A sparse file of 10 GB costs what it holds, and lines behind holes keep their numbers."""
    path = tmp_path / "sparse"
    with open(path, "wb") as file:
        file.write(b"one\ntwo\n")
        file.seek(5 << 30)
        file.write(b"three\n" * 10)
        file.truncate(10 << 30)
    if os.stat(path).st_blocks * 512 > 1 << 20:
        pytest.skip("this file system has no holes")
    begun = time.process_time()
    with opened(path) as sparse:
        got = [one for one in files.pieces(sparse) if isinstance(one, Piece)]
    assert time.process_time() - begun < 1
    assert sum(len(one.data) for one in got) < 4 * CHUNK
    found = next(one for one in got if b"three" in one.data)
    before = found.data[: found.data.index(b"three")].count(b"\n")
    assert found.line + before == 3


@pytest.mark.parametrize("size", [0, 1, 1000, CHUNK, CHUNK + 5])
def test_a_file_within_another_is_read_as_if_it_were_alone(tmp_path: Path, size: int) -> None:
    """Whole, in pieces or as a source, nothing of what lies before and behind is seen."""
    inner = (b"line of text\n" * (size // 13 + 1))[:size]
    path = tmp_path / "outer"
    path.write_bytes(b"before" + inner + b"behind")
    with opened(path) as outer:
        within = _within(outer, 6, size)
        if size <= CHUNK:
            assert files.whole(within) == inner
        found = [piece for piece in files.pieces(within) if isinstance(piece, Piece)]
        assert b"".join(piece.data[piece.overlap :] for piece in found) == inner
        with files.source(within) as source:
            assert source.read() == inner
            source.seek(-1 if size else 0, os.SEEK_END)
            assert source.read() == inner[-1:]
        assert os.fstat(outer.descriptor).st_size == size + 12


def test_a_file_within_another_that_is_cut_is_told(tmp_path: Path) -> None:
    """A part that reaches behind the end of what it is in was not seen whole."""
    path = tmp_path / "outer"
    path.write_bytes(b"before and more")
    with opened(path) as outer:
        assert isinstance(files.whole(_within(outer, 6, 100)), Inconclusive)
        assert isinstance(list(files.pieces(_within(outer, 6, 100)))[-1], Inconclusive)


def _within(outer: Opened, start: int, size: int) -> Opened:
    """Say that a file begins somewhere in another, and how long it is."""
    status = os.stat_result((stat.S_IFREG | 0o644, 1, 1, 1, 0, 0, size, 0, 0, 0))
    return outer._replace(start=start, status=status)
