"""What is at a managed path, whatever was put there."""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING

import pytest

from checks.managed import seen
from checks.managed.facts import FILE, FOLDER, LINK, NOTHING, Seen
from checks.managed.wanted import LARGEST
from checks.model import Inconclusive

if TYPE_CHECKING:
    from pathlib import Path


def _look(path: Path) -> Seen:
    looked = seen.look(str(path))
    assert isinstance(looked, Seen)
    return looked


def test_a_file_is_its_content_and_whose_it_is(tmp_path: Path) -> None:
    """And its content does not show where it is printed."""
    path = tmp_path / "a.conf"
    path.write_text("a word")
    path.chmod(0o640)
    found = _look(path)
    assert (found.kind, found.content) == (FILE, b"a word")
    assert found.sha256 == hashlib.sha256(b"a word").hexdigest()
    assert found.access is not None
    assert (found.access.mode, found.access.uid) == (0o640, os.geteuid())
    assert "word" not in repr(found)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Nor one to a folder, to nothing or to itself."""
    for target in ("/etc/passwd", "/etc", "nowhere", "a"):
        path = tmp_path / "a"
        path.symlink_to(target)
        assert _look(path)[:4:3] == (LINK, None)
        assert _look(path).target == target
        path.unlink()
    assert _look(tmp_path / "a").kind == NOTHING


def test_a_link_on_the_way_is_not_followed(tmp_path: Path) -> None:
    """What it leads to is not looked at, which is not the same as nothing there."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_text("root's own")
    (tmp_path / "way").symlink_to("real")
    found = seen.look(str(tmp_path / "way" / "a"))
    assert isinstance(found, Inconclusive)
    assert (found.reason, found.detail) == ("a link on the way", "way")
    assert _look(tmp_path / "real" / "a").kind == FILE
    assert _look(tmp_path / "none" / "a").kind == NOTHING


def test_a_pipe_does_not_stop_it(tmp_path: Path) -> None:
    """Nobody writes into it, and nobody waits for that."""
    os.mkfifo(tmp_path / "pipe")
    assert _look(tmp_path / "pipe").kind == "special"


def test_a_folder_gives_its_names(tmp_path: Path) -> None:
    """In order, a name that is not UTF-8 too."""
    (tmp_path / "b").touch()
    open(os.fsencode(tmp_path) + b"/\xff", "w").close()
    assert _look(tmp_path) == _look(tmp_path)
    assert _look(tmp_path).kind == FOLDER
    assert _look(tmp_path).names == ("b", "\udcff")


def test_of_a_large_file_only_the_hash_is_known(tmp_path: Path) -> None:
    """One byte less and its content is."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * LARGEST)
    assert _look(path).content == b"x" * LARGEST
    with path.open("ab") as file:
        file.write(b"y")
    found = _look(path)
    assert (found.content, len(found.sha256)) == (None, 64)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """It is told apart from what is as approved."""
    path = tmp_path / "a"
    path.touch()
    os.truncate(path, 1 << 40)
    found = seen.look(str(path))
    assert isinstance(found, Inconclusive)
    assert found.reason == "too large"


def test_a_file_that_grows_is_seen_or_not_but_read_to_an_end(tmp_path: Path) -> None:
    """Who appends all the time keeps nobody reading."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100_000)
    stop = threading.Event()

    def append() -> None:
        with path.open("ab") as file:
            while not stop.is_set() and file.tell() < 300 * 1024 * 1024:
                file.write(b"x" * 65536)

    writer = threading.Thread(target=append)
    writer.start()
    try:
        found = seen.look(str(path))
    finally:
        stop.set()
        writer.join()
        path.unlink()
    assert isinstance(found, Inconclusive) or found.kind == FILE


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_not_clean(tmp_path: Path) -> None:
    """It is inconclusive, with the reason."""
    path = tmp_path / "a"
    path.touch(0o000)
    found = seen.look(str(path))
    assert isinstance(found, Inconclusive)
    assert found.reason == "permission denied"


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 300, "name too long"), ("file/below", "not found")]
)
def test_a_path_that_cannot_be_is_not_clean(tmp_path: Path, name: str, reason: str) -> None:
    """A folder on the way that is a file is not the same as nothing there."""
    (tmp_path / "file").touch()
    found = seen.look(str(tmp_path / name))
    assert isinstance(found, Inconclusive)
    assert found.reason == reason
