"""What is kept of what was put back."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from agent import packing
from agent.mending import kept
from agent.mending.kept import Keeping, Kept
from agent.mending.thing import MendError, Rights, Thing

if TYPE_CHECKING:
    from pathlib import Path

WAS = Thing(kind="file", content=b"drifted", rights=Rights(1, 2, 0o640))
DAY = 86_400.0


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path)


def _plant(folder: Path, name: str, at: float, path: str = "/etc/a") -> None:
    one = Kept(id=name, path=path, at=at, thing=WAS)
    place = folder / kept.FOLDER / name
    place.write_bytes(packing.pack(one))
    place.chmod(0o600)


def test_what_is_kept_is_there_after_a_restart(keeping: Keeping, tmp_path: Path) -> None:
    """Whole, private, and listed without itself."""
    one = keeping.add("/etc/a", WAS, "aa", "bb")
    again = Keeping(tmp_path)
    assert again.get(one.id) == one
    [listed] = again.listed()
    assert (listed.path, listed.before, listed.after) == ("/etc/a", "aa", "bb")
    assert not hasattr(listed, "thing")
    place = tmp_path / kept.FOLDER / one.id
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert "drifted" not in repr(one)


def test_a_path_that_is_not_utf8_is_kept_too(keeping: Keeping) -> None:
    """Files in a folder may be called anything."""
    one = keeping.add("/etc/\udcff\n", WAS, "", "")
    assert keeping.get(one.id) == one
    assert keeping.listed()[0].path == one.path


@pytest.mark.parametrize("name", ["0" * 16, "../x", "", "../../etc/passwd"])
def test_what_is_not_kept_is_not_given(keeping: Keeping, name: str) -> None:
    """Nor is any other file."""
    keeping.add("/etc/a", WAS, "", "")
    with pytest.raises(MendError, match=r"nothing is kept|expected an id"):
        keeping.get(name)


@pytest.mark.parametrize("content", [b"", b"{", b"\xc1", b"x" * 1000])
def test_a_damaged_file_is_an_error_and_hides_no_other(
    keeping: Keeping, tmp_path: Path, content: bytes
) -> None:
    """It is not listed."""
    one = keeping.add("/etc/a", WAS, "", "")
    broken = tmp_path / kept.FOLDER / ("a" * 16)
    broken.write_bytes(content)
    broken.chmod(0o600)
    with pytest.raises(MendError, match="cannot be read"):
        keeping.get("a" * 16)
    assert [each.id for each in keeping.listed()] == [one.id]


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    """Then nothing is put back."""
    (tmp_path / kept.FOLDER).touch()
    with pytest.raises(MendError, match="cannot keep"):
        Keeping(tmp_path).add("/etc/a", WAS, "", "")


def test_what_is_old_and_what_is_too_much_goes(
    keeping: Keeping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latest stay; what was never written whole goes."""
    keeping.add("/etc/a", WAS, "", "")
    for number in range(5):
        _plant(tmp_path, f"{number:016x}", 1000.0 + number)
    (tmp_path / kept.FOLDER / ".half.123").touch()
    keeping.prune(1, 1002.0 + DAY)
    assert {one.at for one in keeping.listed()} >= {1002.0, 1003.0, 1004.0}
    assert len(keeping.listed()) == 4
    assert not (tmp_path / kept.FOLDER / ".half.123").exists()
    monkeypatch.setattr(kept, "_MOST", 2)
    keeping.prune(1, 1002.0)
    assert [one.at for one in keeping.listed()][1:] == [1004.0]
    monkeypatch.setattr(kept, "_MOST_BYTES", 10)
    keeping.prune(1, 1002.0)
    assert keeping.listed() == ()
