"""Nothing that happens in a watched tree is missed; nothing is looked at twice for nothing."""

from __future__ import annotations

import datetime
import os
import random
import shutil
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.events import Kind
from agent.watch.settle import QUIET
from tests.agent.watch.conftest import short_queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.agent.watch.conftest import Plant, Watching

    Watch = Callable[..., Watching]


def test_what_is_there_at_the_start_is_found(root: Path, watch: Watch, plant: Plant) -> None:
    """The first walk looks at everything once."""
    (root / "a" / "b").mkdir(parents=True)
    plant(root / "a" / "b" / "one.yml")
    (root / "plain.txt").write_text("nothing\n")
    seen = watch(root)
    seen.rest()
    assert seen.open == {*plant.planted}
    assert seen.watcher.numbers["looked"] == 2


@pytest.mark.parametrize("way", ["written", "renamed", "linked", "moved in", "mode"])
def test_a_change_is_seen(root: Path, tmp_path: Path, watch: Watch, plant: Plant, way: str) -> None:
    """Whatever way a file takes to its place."""
    (root / "kept.yml").write_text("a: b\n")
    seen = watch(root)
    seen.rest()
    place = root / "app.yml"
    if way == "written":
        plant(place)
    elif way == "renamed":
        plant(root / ".app.yml.tmp")
        os.rename(root / ".app.yml.tmp", place)
    elif way == "linked":
        plant(tmp_path / "outside.yml")
        os.link(tmp_path / "outside.yml", place)
    elif way == "moved in":
        (tmp_path / "outside").mkdir()
        plant(tmp_path / "outside" / "app.yml")
        os.rename(tmp_path / "outside", root / "inside")
        place = root / "inside" / "app.yml"
    else:
        plant(place)
        seen.rest()
        os.chmod(place, 0o644)
        seen.rest()
        assert [e.kind for e in seen.events if e.finding][-1] is Kind.CHANGED
    seen.rest()
    assert seen.open == {str(place)}


def test_a_file_written_in_ten_steps_is_looked_at_once(root: Path, watch: Watch) -> None:
    """It is judged when it has come to rest."""
    seen = watch(root)
    seen.rest()
    written: list[float] = []

    def write() -> None:
        written.clear()
        for _ in range(10):
            with open(root / "app.yml", "a", encoding="ascii") as file:
                file.write("a: b\n")
            written.append(time.monotonic())
            time.sleep(0.02)

    def looks() -> int:
        before = seen.watcher.numbers["looked"]
        writer = threading.Thread(target=write)
        writer.start()
        seen.until(lambda: not writer.is_alive())
        seen.rest()
        return seen.watcher.numbers["looked"] - before

    # A machine that is busy holds up who writes as well: then the file was at rest in between.
    told = [looks()]
    while max(later - one for one, later in pairwise(written)) >= QUIET:
        assert len(told) < 100
        told.append(looks())
    assert told[-1] == 1


def test_what_is_gone_is_told(root: Path, watch: Watch, plant: Plant) -> None:
    """A removed file's leak is removed, not resolved; so is a whole folder's."""
    (root / "a").mkdir()
    plant(root / "a" / "one.yml")
    plant(root / "two.yml")
    seen = watch(root)
    seen.rest()
    os.unlink(root / "two.yml")
    shutil.rmtree(root / "a")
    seen.rest()
    assert seen.open == set()
    assert [e.kind for e in seen.events if e.finding].count(Kind.REMOVED) == 2
    assert seen.watcher.numbers["files"] == 0


def test_a_folder_that_is_moved_takes_its_findings_along(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """What is below it is found at the new place, and changes there are seen."""
    (root / "a" / "b").mkdir(parents=True)
    plant(root / "a" / "b" / "one.yml")
    seen = watch(root)
    seen.rest()
    os.rename(root / "a", root / "z")
    seen.rest()
    assert seen.open == {str(root / "z" / "b" / "one.yml")}
    plant(root / "z" / "b" / "two.yml")
    seen.rest()
    assert str(root / "z" / "b" / "two.yml") in seen.open


def test_trees_that_are_filled_at_once_are_seen_whole(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """Each nested folder is watched before it is listed, so that nothing falls between."""
    seen = watch(root)
    seen.rest()

    def fill() -> None:
        for number in range(60):
            folder = root / f"t{number}" / "a" / "b" / "c"
            folder.mkdir(parents=True)
            for name in ("one.yml", "two.yml", "three.yml"):
                plant(folder / name)

    writer = threading.Thread(target=fill)
    writer.start()
    seen.until(lambda: not writer.is_alive())
    seen.rest()
    assert seen.open == {*plant.planted}


def test_changes_while_nobody_watched_are_found_and_the_gap_is_told(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """After a restart only what changed is looked at, and the gap is closed by that."""
    plant(root / "kept.yml")
    plant(root / "gone.yml")
    watch(root).rest()
    os.unlink(root / "gone.yml")
    plant(root / "new.yml")
    seen = watch(root)
    seen.watcher.everything(reason="agent was not running", since=1000)
    seen.rest()
    assert seen.open == {str(root / "kept.yml"), str(root / "new.yml")}
    assert seen.watcher.numbers["looked"] == 1
    gaps = [event.gap for event in seen.events if event.gap]
    assert [(g.reason, g.started, bool(g.ended)) for g in gaps] == [
        ("agent was not running", 1000, False),
        ("agent was not running", 1000, True),
    ]


def test_it_knows_until_when_it_saw_everything(root: Path, watch: Watch, plant: Plant) -> None:
    """What waits to be looked at was not seen: whoever is killed then has a gap from before it."""
    seen = watch(root)
    seen.rest()
    seen.until(lambda: seen.watcher.seen > time.time() - 5)
    begun = time.time()
    for number in range(500):
        plant(root / f"{number}.yml")
    done = time.time()
    seen.watcher.turn(0.03)
    assert seen.watcher.seen <= begun
    seen.until(lambda: seen.watcher.seen >= done)
    assert seen.open == {*plant.planted}


def test_an_overflow_is_made_up_for(quiet: Path, watch: Watch, plant: Plant) -> None:
    """With a queue that is too short everything is found; the gap covers all that was not heard."""
    with short_queue(64):
        seen = watch(quiet)
    seen.rest()
    seen.deafen(quiet / "0.yml")
    begun = time.time()
    plant(quiet / "0.yml")
    for number in range(1, 3000):
        plant(quiet / f"{number}.yml")
    done = time.time()
    seen.hearing.down()
    seen.until(lambda: seen.open == {*plant.planted})
    seen.rest()
    gaps = [event.gap for event in seen.events if event.gap]
    assert gaps
    assert "overflow" in gaps[0].reason
    assert begun - 60 < gaps[0].started <= begun
    assert gaps[0].ended == 0
    assert gaps[-1].ended >= done
    assert gaps[-1].closed_by == "rescan"
    assert seen.watcher.numbers["gaps"] == 0
    assert seen.watcher.numbers["looked"] <= 2 * 3000


def test_a_link_out_of_the_tree_is_followed_and_its_turning_seen(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """What it leads to is looked at, also after it leads elsewhere or its target was replaced."""
    plant(tmp_path / "one.yml")
    plant(tmp_path / "two.yml")
    os.symlink(tmp_path / "one.yml", root / "app.yml")
    seen = watch(root)
    seen.rest()
    assert seen.open == {str(tmp_path / "one.yml")}
    os.symlink(tmp_path / "two.yml", root / ".new")
    os.rename(root / ".new", root / "app.yml")
    seen.rest()
    assert seen.open == {str(tmp_path / "two.yml")}
    (tmp_path / ".two.yml").write_text("db:\n  password: ${PASSWORD}\n")
    os.rename(tmp_path / ".two.yml", tmp_path / "two.yml")
    seen.rest()
    assert seen.open == set()


def test_a_link_to_a_folder_is_followed(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """All below its target is watched, until the link is gone."""
    (tmp_path / "outside" / "deep").mkdir(parents=True)
    os.symlink(tmp_path / "outside", root / "app")
    seen = watch(root)
    seen.rest()
    plant(tmp_path / "outside" / "deep" / "one.yml")
    seen.rest()
    assert seen.open == {*plant.planted}
    os.unlink(root / "app")
    seen.rest()
    assert seen.open == set()


def test_somebody_elses_link_to_what_they_do_not_own_is_not_followed(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """A user cannot have us look at a file for them; control: root's own link above."""
    plant(tmp_path / "roots.yml")
    os.symlink(tmp_path / "roots.yml", root / "app.yml")
    os.lchown(root / "app.yml", 12345, 12345)
    seen = watch(root)
    seen.rest()
    assert seen.open == set()


def test_a_hard_link_written_elsewhere_is_seen(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """A file with several names is watched itself."""
    (tmp_path / "outside.yml").write_text("a: b\n")
    os.link(tmp_path / "outside.yml", root / "app.yml")
    seen = watch(root)
    seen.rest()
    plant(tmp_path / "outside.yml")
    seen.rest()
    assert seen.open == {str(root / "app.yml")}


def test_a_hard_link_made_later_and_written_elsewhere_is_seen_by_a_sweep(
    root: Path, tmp_path: Path, watch: Watch, plant: Plant
) -> None:
    """The kernel tells nobody in the tree of it; from then on the file itself is watched."""
    (root / "app.yml").write_text("a: b\n")
    seen = watch(root)
    seen.rest()
    os.link(root / "app.yml", tmp_path / "outside.yml")
    plant(tmp_path / "outside.yml")
    seen.rest()
    assert seen.open == set()
    seen.watcher.everything(reason="", since=0)
    seen.rest()
    assert seen.open == {str(root / "app.yml")}
    (tmp_path / "outside.yml").write_text("a: b\n")
    seen.rest()
    assert seen.open == set()


def test_what_cannot_be_read_closes_nothing(root: Path, watch: Watch, plant: Plant) -> None:
    """An archive that is spoiled keeps what was found in it, and is told as a gap."""
    place = root / "app.yml"
    plant(place)
    seen = watch(root)
    seen.rest()
    place.write_bytes(b"\x28\xb5\x2f\xfd" + os.urandom(600))
    os.rename(place, root / "app.yml.zst")
    os.rename(root / "app.yml.zst", place)
    seen.rest()
    assert seen.open == {str(place)}
    [gap] = [gap for event in seen.events if (gap := event.gap)]
    assert gap.subject == str(place)
    assert gap.ended == 0


def test_what_is_left_out_is_not_looked_at(root: Path, watch: Watch, plant: Plant) -> None:
    """Neither at the start nor when it changes."""
    (root / "left-out").mkdir()
    plant(root / "left-out" / "one.yml")
    seen = watch(root)
    seen.rest()
    plant(root / "left-out" / "two.yml")
    seen.rest()
    assert seen.open == set()
    assert seen.watcher.numbers["looked"] == 0


def test_names_that_are_not_utf8_are_files_too(root: Path, watch: Watch, plant: Plant) -> None:
    """Bytes are names."""
    seen = watch(root)
    seen.rest()
    place = os.fsdecode(os.fsencode(root) + b"/\xff\xfe.yml")
    plant(place)
    seen.rest()
    assert seen.open == {place}


def test_keys_are_judged_beside_each_other(root: Path, watch: Watch) -> None:
    """A copy of a key is told, and is over when the copy is gone."""
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (root / "one.key").write_bytes(text)
    seen = watch(root)
    seen.rest()
    assert "key-shared" not in seen.checks
    (root / "two.key").write_bytes(text)
    seen.until(lambda: "key-shared" in seen.checks)
    os.unlink(root / "two.key")
    seen.until(lambda: "key-shared" not in seen.checks)


def test_a_key_that_misses_its_certificate_is_told(root: Path, watch: Watch) -> None:
    """A renewed certificate beside an old key is found without either file being read twice."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    text = keys[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (root / "server.key").write_bytes(text)
    (root / "server.crt").write_bytes(certificate(keys[0]))
    seen = watch(root)
    seen.rest()
    assert "key-mismatch" not in seen.checks
    (root / "server.crt").write_bytes(certificate(keys[1]))
    seen.until(lambda: "key-mismatch" in seen.checks)


def certificate(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give a certificate for a key, signed by it."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now - day, now + 9 * day)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_crash_under_load_leaves_neither_gap_nor_ghost(
    root: Path, watch: Watch, plant: Plant
) -> None:
    """Killed again and again while files come, move and go, in the end it knows what stands."""
    rng, stopping = random.Random(5), threading.Event()

    def load() -> None:
        while not stopping.is_set():
            folder = root / f"d{rng.randrange(6)}"
            folder.mkdir(exist_ok=True)
            if rng.random() < 0.1:
                os.rename(folder, root / f"m{rng.randrange(10**9)}")
            else:
                plant(folder / f"{rng.randrange(20)}.yml")
            time.sleep(0.004)

    writer = threading.Thread(target=load)
    writer.start()
    for _ in range(12):
        seen = watch(root)
        seen.watcher.everything(reason="agent was not running", since=1000)
        end = time.monotonic() + rng.random()
        while time.monotonic() < end:
            seen.watcher.turn(0.03)
    stopping.set()
    writer.join()
    seen.rest()
    assert seen.open == {str(path) for path in root.rglob("*.yml")}
    assert seen.watcher.numbers["gaps"] == 0
