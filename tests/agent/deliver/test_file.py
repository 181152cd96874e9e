"""Keys in files: in memory only, with their rights before their content, among hostile users."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from agent.deliver import Deliveries, Delivery, DeliveryError, kinds
from agent.keysettings import FileDelivery
from tests.agent.deliver.conftest import beside, made, unseen, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOBODY = 65534
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to act as other users")


def _delivery(path: Path | str, **more: str) -> Delivery:
    return Deliveries("/nowhere").make(FileDelivery(path=str(path), **more))


def test_the_kinds_are_the_modules() -> None:
    """Every kind that the bootstrap file knows has its module."""
    assert kinds() == ["credential", "exec", "file", "haproxy"]


def test_a_key_is_one_private_file(memory: Path) -> None:
    """Key, certificate and chain are one file that only its owner may read; nothing is beside."""
    what, path = made(), memory / "web.pem"
    one = _delivery(path)
    one.publish(what)
    assert path.read_bytes() == what.pem
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert os.listdir(memory) == ["web.pem"]
    assert not one.lost()


def test_a_new_one_takes_its_place_in_one_step(memory: Path) -> None:
    """Who has the old file open reads it to its end; who opens the path has the new one whole."""
    one, path = _delivery(memory / "web.pem"), memory / "web.pem"
    first, second = made(), b"second"
    one.publish(first)
    with path.open("rb") as before:
        one.publish(second)
        assert before.read() == first.pem
    assert path.read_bytes() == second


def test_who_reads_meanwhile_never_sees_half(memory: Path) -> None:
    """Each of many reads gives the one object or the other."""
    one, path = _delivery(memory / "web.pem"), memory / "web.pem"
    whole = {(letter * 50_000).encode() for letter in "ab"}
    one.publish(min(whole))
    seen: set[bytes] = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(200):
        for content in sorted(whole):
            one.publish(content)
    until(lambda: seen, "nothing was read")
    stop.set()
    reader.join()
    assert seen <= whole


@ROOT_ONLY
def test_rights_are_set_before_the_content(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first byte the file has its owner, group and mode, under a name of its own."""
    owner, group = pwd.getpwuid(NOBODY).pw_name, grp.getgrgid(NOBODY).gr_name
    path = memory / "web.pem"
    seen: list[tuple[os.stat_result, list[str]]] = []
    really = os.write

    def write(descriptor: int, data: bytes) -> int:
        seen.append((os.fstat(descriptor), os.listdir(memory)))
        return really(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    _delivery(path, owner=owner, group=group, mode="0640").publish(made())
    (status, names), *_ = seen
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)
    assert (stat.S_IMODE(status.st_mode), status.st_size) == (0o640, 0)
    assert "web.pem" not in names
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (NOBODY, 0o640)


def test_who_may_not_give_it_away_is_told(apart: Callable[..., str]) -> None:
    """Without the right to give files to others there is a reason, and no file; our own is made."""
    script = """
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "x", here], check=True)
    os.mkdir(f"{here}/own")
    os.chown(f"{here}/own", 65534, 65534)
    Deliveries("/x").make(FileDelivery(path="/x"))  # loads what another user cannot read
    subprocess.run(["mount", "--bind", f"{here}/own", "/mnt"], check=True)
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    for owner in ("root", ""):
        try:
            settings = FileDelivery(path="/mnt/web.pem", owner=owner)
            Deliveries("/x").make(settings).publish(b"secret")
        except DeliveryError as error:
            print(error)
        print(os.listdir("/mnt"))
    """
    assert apart(script).splitlines() == [
        "/mnt/web.pem: this process may not give it to user 0 and group 65534",
        "[]",
        "['web.pem']",
    ]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"mode": "0444"}, "mode: 0444"),
        ({"mode": "0660"}, "mode: 0660"),
        ({"owner": "nobody-of-that-name"}, "owner: no user nobody-of-that-name"),
        ({"group": "no\x1bgroup"}, "group: no group no\\x1bgroup"),
    ],
)
def test_rights_that_cannot_be_are_refused(memory: Path, more: dict[str, str], told: str) -> None:
    """A mode that gives others the key, and names that nobody has, are refused at once."""
    with pytest.raises(DeliveryError) as caught:
        _delivery(memory / "web.pem", **more)
    assert str(caught.value).startswith(told)


def test_a_disk_is_refused(apart: Callable[..., str], tmp_path: Path) -> None:
    """On a file system that may be on a disk there is an error and no file; beside it, on tmpfs and
    on ramfs, there is the file."""
    script = """
    for kind in ("none", "tmpfs", "ramfs"):
        if kind != "none":
            subprocess.run(["mount", "-t", kind, "-o", "mode=0755", "x", here], check=True)
        one = Deliveries("/x").make(FileDelivery(path=f"{here}/web.pem"))
        try:
            one.publish(b"secret")
            print(kind, open(f"{here}/web.pem").read())
        except DeliveryError as error:
            print(kind, error, os.listdir(here))
    """
    if os.stat(tmp_path).st_dev == os.stat("/dev/shm").st_dev or _is_tmpfs(tmp_path):
        pytest.skip("the folder for tests is in memory")
    none, tmpfs, ramfs = apart(script).splitlines()
    assert none.endswith("not on tmpfs or ramfs, where nothing gets to a disk []")
    assert [tmpfs, ramfs] == ["tmpfs secret", "ramfs secret"]


def _is_tmpfs(path: Path) -> bool:
    done = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, check=True)
    return done.stdout.strip() in {b"tmpfs", b"ramfs"}


def test_swap_is_told(apart: Callable[..., str]) -> None:
    """tmpfs beside a swap area on a disk is told; without one, with noswap and on ramfs not."""
    script = r"""
    table = f"{here}/swaps"
    head = "Filename\tType\tSize\tUsed\tPriority\n"
    open(table, "w").write(head)
    open(f"{table}2", "w").write(head + "/dev/vdz partition 1 0 -2\n/dev/zram0 partition 1 0 5\n")
    place = f"{here}/place"
    os.mkdir(place)
    one = Deliveries("/x").make(FileDelivery(path=f"{place}/web.pem"))
    for kind, options, swaps in (
        ("tmpfs", "mode=0755", table),
        ("tmpfs", "mode=0755", f"{table}2"),
        ("tmpfs", "mode=0755,noswap", f"{table}2"),
        ("ramfs", "mode=0755", f"{table}2"),
    ):
        subprocess.run(["mount", "--bind", swaps, "/proc/swaps"], check=True)
        done = subprocess.run(["mount", "-t", kind, "-o", options, "x", place])
        print("?" if done.returncode else one.warnings())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "x", place], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "x", "/proc"], check=True)
    """
    without, beside, noswap, ramfs = apart(script).splitlines()
    assert [without, ramfs] == ["[]", "[]"]
    assert noswap in {"[]", "?"}  # Linux 6.4
    assert "web.pem: tmpfs may be swapped to /dev/vdz: mount it with noswap" in beside


def test_what_cannot_be_seen_of_swap_is_told(apart: Callable[..., str]) -> None:
    """A unit that does not see /proc/swaps cannot say that there is no swap."""
    script = """
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "x", here], check=True)
    subprocess.run(["mount", "-t", "proc", "-o", "subset=pid", "x", "/proc"], check=True)
    print(Deliveries("/x").make(FileDelivery(path=f"{here}/web.pem")).warnings())
    """
    assert "cannot be seen: /proc/swaps cannot be read" in apart(script)


def test_a_full_file_system_leaves_the_one_before(apart: Callable[..., str]) -> None:
    """What does not fit is not half there: the file before stays, and nothing is beside it."""
    script = """
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755,size=64k", "x", here], check=True)
    one = Deliveries("/x").make(FileDelivery(path=f"{here}/web.pem"))
    one.publish(b"first")
    try:
        one.publish(b"x" * 100_000)
    except DeliveryError as error:
        print(error)
    print(open(f"{here}/web.pem").read(), os.listdir(here), one.lost())
    """
    said, left = apart(script).splitlines()
    assert said.endswith("web.pem: No space left on device (tmpfs)")
    assert left == "first ['web.pem'] False"


def test_what_a_run_that_was_cut_off_left_is_replaced(memory: Path) -> None:
    """A half-written file beside the place is gone with the next publication."""
    (memory / ".web.pem.hygiene-agent").write_bytes(b"half")
    _delivery(memory / "web.pem").publish(b"whole")
    assert os.listdir(memory) == ["web.pem"]


def test_the_one_of_a_run_before_is_ours(memory: Path) -> None:
    """After a restart the file of the run before is replaced, and can be withdrawn."""
    path = memory / "web.pem"
    _delivery(path).publish(b"first")
    second = _delivery(path)
    second.publish(b"second")
    assert path.read_bytes() == b"second"
    third = _delivery(path)
    third.withdraw()
    third.withdraw()
    assert os.listdir(memory) == []


@pytest.mark.parametrize("kind", ["link", "dangling", "other", "names", "folder", "pipe"])
@pytest.mark.parametrize("what", ["publish", "withdraw"])
def test_what_is_foreign_stays(memory: Path, kind: str, what: str) -> None:
    """A link, another's file, one with a second name, a folder or a pipe is not touched."""
    path, victim = memory / "web.pem", memory / "victim"
    victim.write_text("theirs")
    victim.chmod(0o400)
    match kind:
        case "link" | "dangling":
            path.symlink_to(victim if kind == "link" else memory / "nothing")
        case "other":
            path.write_text("theirs")
            path.chmod(0o644)
        case "names":
            path.hardlink_to(victim)
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    before = os.lstat(path)
    one = _delivery(path)
    with pytest.raises(DeliveryError, match="something else is in its place"):
        one.publish(b"secret") if what == "publish" else one.withdraw()
    after = os.lstat(path)
    assert (after.st_ino, after.st_mode, after.st_size) == (
        *(before.st_ino, before.st_mode, before.st_size),
    )
    assert victim.read_text() == "theirs"
    assert sorted(os.listdir(memory)) == ["victim", "web.pem"]


def test_what_happened_to_it_is_seen(memory: Path) -> None:
    """Removed, replaced, written to or with other rights it is lost; published again it is not."""
    path = memory / "web.pem"
    one = _delivery(path)
    assert not one.lost()

    def replace() -> None:
        (memory / "new").write_bytes(path.read_bytes())
        (memory / "new").chmod(0o400)
        (memory / "new").replace(path)

    for change in (path.unlink, replace, lambda: path.chmod(0o440)):
        one.publish(b"secret")
        assert not one.lost()
        change()
        assert one.lost()
    one.publish(b"secret")
    assert not one.lost()
    one.withdraw()
    assert not one.lost()


@pytest.mark.parametrize("how", ["gone", "link", "shared", "above", "dots"])
def test_a_folder_that_others_could_change_is_refused(memory: Path, how: str) -> None:
    """One that is gone, behind a link or dots, or writable for others on the way, is refused."""
    real = memory / "above" / "folder"
    real.mkdir(parents=True)
    path = {
        "gone": memory / "none/web.pem",
        "link": memory / "link/web.pem",
        "dots": f"{real}/../folder/web.pem",
    }.get(how, real / "web.pem")
    (memory / "link").symlink_to(real)
    if how == "shared":
        real.chmod(0o1777)
    if how == "above":
        real.parent.chmod(0o770)
    with pytest.raises(DeliveryError):
        _delivery(path).publish(b"secret")
    assert os.listdir(real) == []
    real.chmod(0o755)
    real.parent.chmod(0o1777)
    _delivery(real / "web.pem").publish(b"secret")
    assert os.listdir(real) == ["web.pem"]


_RACE = """
import os, sys
place, bait = sys.argv[1:]
os.setgroups([]); os.setgid(65534); os.setuid(65534)
print("ready", flush=True)
while True:
    for make in (lambda: os.mkdir(place, 0o777), lambda: os.symlink(bait, place)):
        try:
            make()
            os.rename(place, place + ".away")
            os.rename(place + ".away", place)
            os.rmdir(place) if not os.path.islink(place) else os.unlink(place)
        except OSError:
            for remove in (os.unlink, os.rmdir):
                for name in (place, place + ".away"):
                    try:
                        remove(name)
                    except OSError:
                        pass
"""


@ROOT_ONLY
def test_a_user_who_races_gets_nothing(memory: Path) -> None:
    """Whatever a user puts in the place of a folder, a folder of his or a link to another one, no
    key gets there, and nothing behind the link changes."""
    memory.chmod(0o1777)
    bait = memory / "bait"
    bait.mkdir(mode=0o755)
    (bait / "web.pem").write_text("theirs")
    (bait / "web.pem").chmod(0o400)
    raced = memory / "raced"
    said: set[str] = set()
    with beside(_RACE, raced, bait):
        one = _delivery(raced / "web.pem")

        def tried() -> bool:
            with pytest.raises(DeliveryError) as caught:
                one.publish(b"secret")
            said.add(str(caught.value).rpartition(": ")[2])
            return len(said) == 3

        until(tried, f"not all that the racer does was met: {said}")
    assert said == {
        "No such file or directory",
        "is a link, or no folder",
        f"belongs to user {NOBODY}",
    }
    assert (bait / "web.pem").read_text() == "theirs"
    assert os.listdir(bait) == ["web.pem"]


def test_no_error_repeats_the_key(memory: Path) -> None:
    """Neither an error with all behind it nor the delivery shows what was to be delivered."""
    what = made()
    (memory / "web.pem").mkdir()
    one = _delivery(memory / "web.pem")
    with pytest.raises(DeliveryError) as caught:
        one.publish(what)
    unseen(what.key, caught.value, one, one.warnings(), what)
    with pytest.raises(AssertionError):
        unseen(what.key, what.pem.decode())
