"""One thing in the place of another: whole, kept, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.mending import place
from agent.mending.thing import NOTHING, MendError, Rights, Thing
from tests.agent.mending.hostile import NOBODY, exchanging

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = os.geteuid() == 0
MINE = Rights(os.geteuid(), os.getegid(), 0o640)
NEW = Thing(kind="file", content=b"approved\n", rights=MINE)


def _put(path: Path, thing: Thing = NEW) -> list[Thing]:
    kept: list[Thing] = []
    place.put(str(path), thing, kept.append)
    return kept


def _left(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "managed"
    made.mkdir(mode=0o755)
    return made


def test_a_file_takes_the_place_of_another_and_that_one_is_kept(folder: Path) -> None:
    """With its own rights, and with nothing left beside it."""
    path = folder / "a.conf"
    path.write_text("drifted")
    path.chmod(0o666)
    [kept] = _put(path)
    assert (kept.kind, kept.content) == ("file", b"drifted")
    assert kept.rights is not None
    assert kept.rights.mode == 0o666
    assert path.read_bytes() == b"approved\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert _left(folder) == ["a.conf"]


def test_what_is_missing_is_made_and_what_may_not_be_there_goes(folder: Path) -> None:
    """And both can be turned round with what was kept."""
    path = folder / "a.conf"
    assert _put(path) == [NOTHING]
    [kept] = _put(path, NOTHING)
    assert (kept.content, _left(folder)) == (b"approved\n", [])
    assert _put(path, kept) == [NOTHING]
    assert path.read_bytes() == b"approved\n"


def test_a_link_in_its_place_goes_and_what_it_leads_to_stays(folder: Path, tmp_path: Path) -> None:
    """Nothing is read or written through it."""
    target = tmp_path / "target"
    target.write_text("untouched")
    path = folder / "a.conf"
    path.symlink_to(target)
    [kept] = _put(path)
    assert (kept.kind, kept.target) == ("link", str(target))
    assert (path.is_symlink(), target.read_text()) == (False, "untouched")
    _put(path, kept)
    assert path.readlink() == target


def test_a_link_can_be_what_is_approved(folder: Path) -> None:
    """It replaces a file in one step."""
    path = folder / "a.conf"
    path.write_text("x")
    _put(path, Thing(kind="link", target="b.conf"))
    assert path.readlink() == Path("b.conf")


def test_a_folder_in_its_place_stays_and_is_told(folder: Path) -> None:
    """Only a person may take away what cannot be kept."""
    path = folder / "a.conf"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(MendError, match="no file and no link"):
        _put(path)
    assert _left(folder) == ["a.conf"]
    assert (path / "inside").is_dir()


@pytest.mark.parametrize("there", ["drifted", ""])
def test_what_cannot_be_kept_is_not_replaced(folder: Path, there: str) -> None:
    """It stays as it was, and nothing stays beside it."""
    path = folder / "a.conf"
    if there:
        path.write_text(there)

    def refuse(_thing: Thing) -> None:
        raise MendError("disk full")

    with pytest.raises(MendError, match="disk full"):
        place.put(str(path), NEW, refuse)
    assert _left(folder) == (["a.conf"] if there else [])
    assert not there or path.read_text() == "drifted"


def test_rights_alone_can_be_set_and_set_back(folder: Path) -> None:
    """The content is not touched; a link is not followed."""
    path = folder / "a.conf"
    path.write_text("x")
    path.chmod(0o600)
    [kept] = _put(path, Thing(kind="rights", rights=MINE))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    _put(path, kept)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (folder / "link").symlink_to(path)
    with pytest.raises(MendError):
        _put(folder / "link", Thing(kind="rights", rights=MINE))
    os.link(path, folder / "other")
    with pytest.raises(MendError, match="one name"):
        _put(path, Thing(kind="rights", rights=MINE))


@pytest.mark.parametrize("mode", [0o777, 0o775])
def test_a_folder_that_others_can_write_is_left_alone(folder: Path, mode: int) -> None:
    """There a path may lead anywhere by the next moment."""
    path = folder / "a.conf"
    path.write_text("x")
    folder.chmod(mode)
    with pytest.raises(MendError, match="others can write"):
        _put(path)
    assert path.read_text() == "x"
    folder.chmod(0o755)
    assert _put(path)


def test_a_link_above_it_is_not_followed(folder: Path, tmp_path: Path) -> None:
    """Wherever on the way it stands."""
    (tmp_path / "way").symlink_to(folder)
    with pytest.raises(MendError, match="is a link"):
        _put(tmp_path / "way" / "a.conf")
    assert _left(folder) == []


def test_what_a_killed_run_left_is_kept_and_cleared(folder: Path) -> None:
    """What stood there before the exchange is kept, the half of what was to come is not."""
    path = folder / "a.conf"
    path.write_text("approved\n")
    (folder / place.beside("a.conf")).write_text("drifted")
    kept: list[Thing] = []
    place.recover(str(path), NEW, kept.append)
    assert [one.content for one in kept] == [b"drifted"]
    assert _left(folder) == ["a.conf"]
    (folder / place.beside("a.conf")).write_bytes(NEW.content[:4])
    place.recover(str(path), NEW, kept.append)
    assert (len(kept), _left(folder)) == (1, ["a.conf"])


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.truncate(path, 1 << 30)])
def test_nothing_is_begun_with_what_cannot_be_kept(
    folder: Path, make: Callable[[Path], object]
) -> None:
    """A pipe and a file that is too large stay, and nothing stays beside them."""
    path = folder / "a.conf"
    if make is not os.mkfifo:
        path.touch()
    make(path)
    before = path.stat()
    with pytest.raises(MendError, match=r"a person has to look|too large"):
        _put(path)
    assert (path.stat(), _left(folder)) == (before, ["a.conf"])


def test_a_file_that_comes_and_goes_meanwhile_ends_as_approved(folder: Path) -> None:
    """Whoever replaces it at the same time: each time the one or the other is there, and kept."""
    path = folder / "a.conf"
    stop = threading.Event()

    def edit() -> None:
        while not stop.is_set():
            path.with_name("new").write_text("edited")
            path.with_name("new").rename(path)
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    editor = threading.Thread(target=edit)
    editor.start()
    kept: list[Thing] = []
    try:
        for _ in range(200):
            with contextlib.suppress(MendError):
                place.put(str(path), NEW, kept.append)
    finally:
        stop.set()
        editor.join()
    assert {one.content for one in kept} <= {b"", b"edited", NEW.content}
    _put(path)
    assert set(_left(folder)) <= {"a.conf", "new"}
    assert path.read_bytes() == NEW.content


def test_set_user_id_never_comes_back(folder: Path) -> None:
    """What had it is kept without it; another bit stays."""
    path = folder / "a.conf"
    path.write_text("x")
    path.chmod(0o4755)
    [kept] = _put(path)
    assert kept.rights is not None
    assert kept.rights.mode == 0o755


@pytest.mark.skipif(not ROOT, reason="only root may give a link away")
def test_a_link_has_the_owner_that_was_approved(folder: Path) -> None:
    """Like a file."""
    path = folder / "a.conf"
    _put(path, Thing(kind="link", target="b", rights=Rights(1, 2, 0)))
    assert (path.lstat().st_uid, path.lstat().st_gid) == (1, 2)


def test_what_was_left_beside_a_path_is_known(folder: Path) -> None:
    """And another hidden file is not taken for it."""
    assert place.is_beside(f"{folder}/{place.beside('a.conf')}") == f"{folder}/a.conf"
    assert not place.is_beside(f"{folder}/.a.conf")
    assert not place.is_beside(f"{folder}/..hygiene-agent")


_ENDLESSLY = """
import sys
from agent.mending import place
from agent.mending.thing import Rights, Thing
import os
mine = Rights(os.geteuid(), os.getegid(), 0o640)
print("begun", flush=True)
while True:
    for letter in (b"a", b"b"):
        thing = Thing(kind="file", content=letter * 300_000, rights=mine)
        place.put(sys.argv[1], thing, lambda _old: None)
"""


@pytest.mark.parametrize("after", [0.0, 0.001, 0.003, 0.01, 0.02, 0.05])
def test_killed_at_any_moment_one_of_the_two_is_there_whole(folder: Path, after: float) -> None:
    """And who reads all the time never sees anything else."""
    path = folder / "a.conf"
    path.write_bytes(b"b" * 300_000)
    told = subprocess.Popen([sys.executable, "-c", _ENDLESSLY, str(path)], stdout=subprocess.PIPE)
    assert told.stdout is not None
    told.stdout.readline()
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(after)
    told.send_signal(signal.SIGKILL)
    told.wait(60)
    told.stdout.close()
    stop.set()
    reader.join()
    seen.add(path.read_bytes())
    assert seen <= {b"a" * 300_000, b"b" * 300_000}


@pytest.mark.skipif(not ROOT, reason="takes another user, as root can be")
def test_another_user_cannot_have_it_write_or_read_elsewhere() -> None:
    """In a folder of theirs nothing is done, however fast they exchange things."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    folder = base / "theirs" / "managed"
    folder.mkdir(parents=True)
    for one in (folder.parent, folder):
        os.chown(one, NOBODY, NOBODY)
    secret = base / "roots" / "secret"
    secret.parent.mkdir()
    secret.write_text("root's own")
    secret.chmod(0o600)
    kept: list[Thing] = []
    before, refused = set(os.listdir("/etc")), 0
    begun = time.monotonic()
    with exchanging(folder, secret):
        while time.monotonic() < begun + 2 or refused <= 100:
            assert (time.monotonic() < begun + 60, kept) == (True, [])
            try:
                place.put(str(folder / "a.conf"), NEW, kept.append)
            except MendError:
                refused += 1
    assert (set(os.listdir("/etc")), kept) == (before, [])
    assert (secret.read_text(), os.listdir(secret.parent)) == ("root's own", ["secret"])
    shutil.rmtree(base)
