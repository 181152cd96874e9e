"""Walking and reading: everything is named, nothing blocks, nothing is missed silently."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import stat
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from checks import files
from checks.files import CHUNK, OVERLAP, NotApplicable, Opened, Piece
from checks.model import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
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


def kinds(root: Path, *exclude: str) -> dict[str, str]:
    """Walk a folder: what each name below it is, "file" for what would be opened."""
    found = {}
    for one in files.walk([str(root)], exclude):
        path = one if isinstance(one, str) else one.path
        kind = "file" if isinstance(one, str) else getattr(one, "kind", "") or one.reason  # type: ignore[union-attr]  # the third has one
        found[os.path.relpath(path, root)] = kind
    return found


def numbered(count: int) -> bytes:
    """Make lines that say their own number."""
    return b"".join(b"line %08d of the file\n" % number for number in range(1, count + 1))


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
    reasons = [one.reason for one in files.walk(roots) if isinstance(one, Inconclusive)]
    assert reasons == ["not found", "not found", "not a file or a folder"]


def test_a_root_that_is_a_link_is_followed(tmp_path: Path) -> None:
    """A link given by name leads to its folder or file; a link below it does not."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/plain").write_text("x")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "file").symlink_to("real/plain")
    assert list(files.walk([str(tmp_path / "folder")])) == [str(tmp_path / "folder/plain")]
    assert list(files.walk([str(tmp_path / "file")])) == [str(tmp_path / "real/plain")]


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
    for path in files.walk([str(tmp_path)]):
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
        top = itertools.islice(files.walk([root]), 40)
        pseudo = {one.path for one in top if getattr(one, "kind", "") == "pseudo file system"}  # type: ignore[union-attr]  # what has a kind has a path
        assert os.path.join(root, "proc") in pseudo
        assert os.path.join(root, "usr") not in pseudo


def test_a_kernel_file_system_asked_for_is_walked() -> None:
    """Only what lies below a root is passed over, not the root itself."""
    walked = itertools.islice(files.walk([f"/proc/{os.getpid()}/net"]), 1)
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
    walk = files.walk([str(tmp_path)])
    first = next(walk)
    assert isinstance(first, str)
    for name in "abc":
        shutil.rmtree(tmp_path / name)
    rest = list(walk)
    assert {one.kind for one in rest if isinstance(one, NotApplicable)} == {"vanished"}
    assert not [one for one in rest if isinstance(one, Inconclusive)]
    assert files.open_file(first) == NotApplicable(first, "vanished")


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
