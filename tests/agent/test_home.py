"""Files of our own are private, whole, and believed only when they are ours."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import home

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
AS_ROOT = pytest.mark.skipif(bool(os.geteuid()), reason="only root gives files away")


@pytest.fixture(autouse=True)
def _generous() -> Iterator[None]:
    """Nothing may rest on the umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize(
    ("environ", "user", "expected"),
    [
        ({"HYGIENE_AGENT_STATE": "/x"}, 0, "/x"),
        ({"HYGIENE_AGENT_STATE": "/x", "HOME": "/h"}, 1000, "/x"),
        ({"HYGIENE_AGENT_STATE": "", "HOME": "/h"}, 0, "/var/lib/hygiene-agent"),
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, 1000, "/s/hygiene-agent"),
        ({"XDG_STATE_HOME": "/s"}, 0, "/var/lib/hygiene-agent"),
        ({"HOME": "/h"}, 1000, "/h/.local/state/hygiene-agent"),
        ({}, 4_000_000_001, "/var/lib/hygiene-agent"),
    ],
)
def test_the_folder_is_the_named_one_or_the_users(
    environ: dict[str, str], user: int, expected: str
) -> None:
    """A user without a home, as in a container, is no error."""
    assert home.folder(environ, user) == Path(expected)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """File and folders are private whatever the umask, and nothing else is left."""
    path = tmp_path / "a" / "b" / "file"
    home.write(path, b"one")
    home.write(path, b"two")
    assert home.read(path) == b"two"
    assert (_mode(path), _mode(path.parent), _mode(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert os.listdir(path.parent) == ["file"]


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    """Absence is an answer, not an error."""
    assert home.read(tmp_path / "missing") is None
    assert home.read(tmp_path / "no" / "folder") is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o640, 0o604, 0o610, 0o666])
def test_a_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    """Every right of group or others is one too many."""
    path = tmp_path / "file"
    path.write_bytes(b"x")
    path.chmod(mode)
    with pytest.raises(home.StateError, match="not a private file of this user"):
        home.read(path)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    """No link is followed, no FIFO waited for, no folder read."""
    (tmp_path / "real").touch(0o600)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "folder").mkdir(0o700)
    os.mkfifo(tmp_path / "fifo", 0o600)
    for name in ("link", "folder", "fifo"):
        with pytest.raises(home.StateError):
            home.read(tmp_path / name)
    assert home.read(tmp_path / "real") == b""


@AS_ROOT
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """A private file of another user is not ours to believe."""
    path = tmp_path / "file"
    home.write(path, b"x")
    os.chown(path, NOBODY, -1)
    with pytest.raises(home.StateError, match="not a private file of this user"):
        home.read(path)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_nothing_is_written_where_others_can(tmp_path: Path, mode: int) -> None:
    """A folder that others can write is refused, and no temporary file stays in it."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(home.StateError, match="others can write it"):
        home.write(folder / "file", b"x")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("base", ["/dev/null/state", "/proc/state"])
def test_a_folder_that_cannot_be_made_is_one_error(base: str) -> None:
    """Whatever the kernel says, the error is ours."""
    with pytest.raises(home.StateError, match=base):
        home.write(Path(base, "file"), b"x")


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    """Writing never goes through a link."""
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    path = tmp_path / "folder" / "file"
    path.parent.mkdir(0o700)
    path.symlink_to(target)
    home.write(path, b"x")
    assert (target.read_bytes(), path.is_symlink(), home.read(path)) == (b"precious", False, b"x")


def test_the_host_key_stays(tmp_path: Path) -> None:
    """It is made once, private and of full length, and gives the same fingerprints ever after."""
    first, warning = home.host_key(tmp_path / "state")
    second, _ = home.host_key(tmp_path / "state")
    assert warning == ""
    assert (first.id, first.of("x")) == (second.id, second.of("x"))
    path = tmp_path / "state" / "fingerprint.key"
    assert (_mode(path), _mode(path.parent), path.stat().st_size) == (0o600, 0o700, 32)


def test_two_hosts_have_two_keys(tmp_path: Path) -> None:
    """A key is random: the same value has another fingerprint elsewhere."""
    one, two = (home.host_key(tmp_path / name)[0] for name in ("one", "two"))
    assert one.of("x") != two.of("x")


def test_a_key_that_is_too_short_is_made_anew(tmp_path: Path) -> None:
    """A file that was cut by a full disk does not make weak fingerprints."""
    path = tmp_path / "state" / "fingerprint.key"
    home.write(path, b"short")
    key, warning = home.host_key(path.parent)
    assert (warning, path.stat().st_size) == ("", 32)
    assert home.host_key(path.parent)[0].id == key.id


@pytest.mark.parametrize("base", ["/dev/null/state", "/proc/state"])
def test_a_key_that_cannot_be_kept_serves_once(base: str) -> None:
    """A scan without a place for its key works, and says that its fingerprints will not last."""
    first, warning = home.host_key(Path(base))
    assert warning.startswith("fingerprints are for this run only: ")
    assert first.id != home.host_key(Path(base))[0].id


def test_a_key_behind_a_link_is_not_used(tmp_path: Path) -> None:
    """A planted link neither gives the key nor is overwritten."""
    (tmp_path / "known").write_bytes(bytes(32))
    (tmp_path / "fingerprint.key").symlink_to(tmp_path / "known")
    key, warning = home.host_key(tmp_path)
    assert warning
    assert key.of("x") != type(key)(bytes(32)).of("x")
    assert (tmp_path / "fingerprint.key").is_symlink()


def test_many_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    """Of several first runs all use the key that stays."""
    together, found = threading.Barrier(8), []

    def first() -> None:
        together.wait()
        found.append(home.host_key(tmp_path / "state")[0].id)

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {home.host_key(tmp_path / "state")[0].id}
    assert os.listdir(tmp_path / "state") == ["fingerprint.key"]


def test_a_seal_holds_content_and_name() -> None:
    """What was sealed under a name opens under that name only, and only unchanged."""
    sealed = home.sealed(b"content", "name")
    assert home.checked(sealed, "name") == b"content"
    assert home.checked(sealed, "other") is None
    assert home.checked(None, "name") is None
    for number in range(len(sealed)):
        changed = bytearray(sealed)
        changed[number] ^= 1
        assert home.checked(bytes(changed), "name") is None
        assert home.checked(sealed[:number], "name") is None
