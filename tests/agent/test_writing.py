"""A file is written whole or not at all, and nothing is written through somebody's link."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import writing

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_reader_sees_the_old_or_the_new(tmp_path: Path) -> None:
    """While the new text is made the old one stands; beside it nothing ends in its suffix."""
    path = tmp_path / "metrics.prom"
    path.write_text("old\n")

    def chunks() -> Iterator[str]:
        yield "new "
        assert path.read_text() == "old\n"
        assert [one.name for one in tmp_path.glob("*.prom")] == ["metrics.prom"]
        yield "text\n"

    writing.write(path, chunks())
    assert path.read_text() == "new text\n"
    assert os.listdir(tmp_path) == ["metrics.prom"]


def test_what_breaks_off_leaves_the_old(tmp_path: Path) -> None:
    """Neither half a file nor a scrap beside it; where there was none, none is made."""

    def chunks() -> Iterator[str]:
        yield "half"
        raise KeyboardInterrupt

    path = tmp_path / "report.json"
    for before in (None, "old"):
        if before:
            path.write_text(before)
        with pytest.raises(KeyboardInterrupt):
            writing.write(path, chunks())
        assert os.listdir(tmp_path) == (["report.json"] if before else [])
    assert path.read_text() == "old"


def test_permissions_are_kept(tmp_path: Path) -> None:
    """A report that only its owner reads stays so; a new one is as the umask has it."""
    closed, fresh = tmp_path / "closed", tmp_path / "fresh"
    closed.write_text("")
    closed.chmod(0o600)
    before = os.umask(0o027)
    try:
        for path in (closed, fresh):
            writing.write(path, ["text"])
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (closed, fresh)]
    assert modes == [0o600, 0o640]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_permissions_of_others_are_not_kept(tmp_path: Path) -> None:
    """Whoever laid a file there beforehand neither owns nor opens the new one."""
    path = tmp_path / "report.json"
    path.write_text("")
    path.chmod(0o666)
    os.chown(path, 65534, 65534)
    writing.write(path, ["text"])
    assert (path.stat().st_uid, path.stat().st_mode & 0o022) == (0, 0)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """Also one that leads nowhere; what it leads to is left alone."""
    (tmp_path / "victim").write_text("precious")
    for target in ("victim", "nowhere"):
        link = tmp_path / f"to-{target}"
        link.symlink_to(target)
        with pytest.raises(writing.OutputError, match="is a link"):
            writing.write(link, ["text"])
    assert sorted(os.listdir(tmp_path)) == ["to-nowhere", "to-victim", "victim"]
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    """What is no regular file is not replaced by one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    writing.write(pipe, ["one ", "two"])
    reader.join()
    assert got == ["one two"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_devices_are_written_to() -> None:
    """Below /dev links are the system's own."""
    writing.write(Path("/dev/null"), ["text"])
    with pytest.raises(writing.OutputError, match="/dev/full: "):
        writing.write(Path("/dev/full"), ["text"])


def test_the_error_names_the_file(tmp_path: Path) -> None:
    """Not the one that was written beside it."""
    with pytest.raises(writing.OutputError, match=rf"^{tmp_path}/no/r: No such"):
        writing.write(tmp_path / "no" / "r", ["text"])
