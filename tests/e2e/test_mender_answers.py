"""What policy says of managed files is done, and nothing else, whoever stands in the way."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import stat
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent import audit
from tests.agent.mending.hostile import NOBODY, exchanging
from tests.e2e.daemon import until
from tests.e2e.mending import Host, World
from tests.e2e.test_store import Team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Hygiene

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
TEXT = "approved\n"
RESTORE = {"content": TEXT, "answer": "restore"}


@pytest.fixture
def host(hygiene: Hygiene, tmp_path: Path) -> Iterator[Host]:
    made = Host(hygiene, tmp_path)
    made.managed.mkdir()
    yield made
    made.end()


def _plant(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXT)
    return paths


def test_each_answer_is_given_its_own_way(host: Host) -> None:
    """Report, restore, mode alone, what may not change, a folder with nothing else in it."""
    names = ("report", "restore", "mode", "image", "only/a.conf")
    reported, restored, mode, image, inside = _plant(host.managed, *names)
    elsewhere = host.folder / "elsewhere"
    elsewhere.write_text(TEXT)
    host.begin(
        {
            str(reported): {"content": TEXT},
            str(restored): RESTORE,
            str(mode): {"mode": "0600", "owner": "root", "answer": "restore"},
            str(image): {"content": TEXT, "immutable": True},
            str(inside): RESTORE,
            str(inside.parent): {"only": True, "answer": "restore"},
            str(elsewhere): RESTORE,
        }
    )
    until(lambda: stat.S_IMODE(mode.stat().st_mode) == 0o600)
    mode.write_text("content is nobody's business")
    extra = inside.with_name("extra.conf")
    for path in (reported, restored, image, extra, elsewhere):
        path.write_text("other")
    os.chown(mode, NOBODY, NOBODY)
    until(lambda: restored.read_text() == TEXT and mode.stat().st_uid == 0)
    until(lambda: not extra.exists())
    told = {
        ("managed-changed", "report"),
        ("immutable-changed", "image"),
        ("managed-changed", "elsewhere"),
    }
    until(lambda: host.findings().keys() == told)
    assert [one.read_text() for one in (reported, image, elsewhere)] == ["other"] * 3
    until(lambda: len(host.kept()) == 4)
    assert host.daemon.ask("restore", "undo", _id_of(host, extra)).returncode == 0
    assert extra.read_text() == "other"
    until(lambda: ("managed-extra", "extra.conf") in host.findings())
    assert extra.exists()


def _id_of(host: Host, path: Path) -> str:
    lines = host.daemon.ask("restore", "list").stdout.splitlines()
    return next(line.split()[0] for line in lines if line.endswith(str(path)))


def test_what_writes_it_anew_is_not_fought_with(host: Host) -> None:
    """After two returns within an hour it is only told, until a person says so."""
    path, later = _plant(host.managed, "a.conf", "b.conf")
    host.begin({str(path): RESTORE, str(later): RESTORE})
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.wait(0.02):
            with contextlib.suppress(OSError):
                if path.read_text() == TEXT:
                    path.write_text("rewritten")

    writer = threading.Thread(target=rewrite)
    writer.start()
    told = ("managed-not-restored", "a.conf")
    until(lambda: "twice within an hour" in host.findings().get(told, ""))
    stop.set()
    writer.join()
    assert len(host.noted("restored", path)) == 2
    path.write_text("once more")
    later.write_text("drifted")
    until(lambda: later.read_text() == TEXT)
    assert path.read_text() == "once more"
    assert host.daemon.ask("restore", "now", str(path)).returncode == 0
    assert path.read_text() == TEXT


def test_where_it_is_only_tried_out_nothing_is_written(host: Host) -> None:
    """It says what would be done, by itself and when it is asked."""
    (path,) = _plant(host.managed, "a.conf")
    host.begin({str(path): RESTORE}, mend={"dry_run": True})
    path.write_text("other")
    until(lambda: "would be put back" in str(host.findings()))
    said = host.daemon.ask("restore", "now", "--dry-run")
    assert (said.returncode, "would be put back" in said.stdout) == (1, True)
    assert host.daemon.ask("restore", "now").returncode == 1
    assert (path.read_text(), host.kept()) == ("other", [])
    path.write_text(TEXT)
    until(lambda: not host.findings())
    assert host.daemon.ask("restore", "now", "--dry-run").returncode == 0


def test_the_content_comes_with_the_signed_policy(
    hygiene: Hygiene, tmp_path: Path, host: Host
) -> None:
    """From files beside the layers of a store: what is published is what comes back."""
    team = Team(hygiene, tmp_path)
    (path,) = _plant(host.managed, "a.conf")
    managed = {str(path): {"file": "a.conf", "answer": "restore"}}
    base = json.dumps({"version": 1, "tls": {"exclude": ["*"]}, "managed": managed})
    (team.folder / "a.conf").write_text("signed")
    team.publish(base=base)
    store = {"url": f"file://{team.store}", "root": str(team.root), "every": 1}
    host.begin({}, store=store)
    until(lambda: path.read_text() == "signed")
    path.write_text("drifted")
    until(lambda: path.read_text() == "signed")
    (team.folder / "a.conf").write_text("signed anew")
    team.publish(base=base)
    until(lambda: path.read_text() == "signed anew")
    assert "signed anew" in host.daemon.ask("policy", "show").stdout


def test_another_user_cannot_lead_it_elsewhere(host: Host) -> None:
    """In a folder of theirs nothing is written, however fast they are; the rest comes back."""
    theirs = host.managed / "theirs" / "inner"
    path, own = _plant(host.managed, "theirs/x", "own.conf")
    theirs.mkdir()
    for one in (host.folder, *host.folder.parents[:2]):
        one.chmod(0o755)
    for one in (path.parent, theirs):
        os.chown(one, NOBODY, NOBODY)
    secret = host.folder / "secret"
    secret.mkdir()
    (secret / "a.conf").write_text("root's own")
    (secret / "a.conf").chmod(0o600)
    before = (secret / "a.conf").stat()
    host.begin({str(theirs / "a.conf"): RESTORE, str(own): RESTORE, str(secret / "b"): RESTORE})
    with exchanging(theirs, secret / "a.conf"):
        for number in range(2):
            own.write_text(f"drifted {number}")
            until(lambda: own.read_text() == TEXT)
        until(lambda: host.noted("not restored", theirs / "a.conf"))
        for _ in range(5):
            host.daemon.ask("restore", "now", str(theirs / "a.conf"))
    assert (secret / "a.conf").stat() == before
    assert [one.name for one in secret.iterdir()] == ["a.conf"]
    assert host.noted("restored", theirs / "a.conf") == []
    shown = host.daemon.ask("audit", "show", "--last", "1000").stdout
    assert "root's own" not in shown + str(host.findings())


ROUNDS = 20


class Alone:
    """A mender without a supervisor, which the test kills as it likes."""

    def __init__(self, world: World) -> None:
        self._world, self.file = world, world.folder / "mender.yaml"
        told = world.daemon.file.read_text()
        self.file.write_text(told[:-1] + f', "mend": {{"folders": ["{world.managed}"]}}}}')
        self._process: subprocess.Popen[str]

    def start(self) -> None:
        self._process = self._world.hygiene.start(
            "run", "--role", "mender", "--settings", self.file, stdout=subprocess.DEVNULL
        )

    @property
    def works(self) -> bool:
        """Whether it noted that it started."""
        log = self._world.daemon.state / "mender/published" / audit.NAME
        pids = {one.actor.pid for one in audit.entries(log)} if log.exists() else set()
        return self._process.pid in pids

    def end(self, number: int) -> None:
        self._process.send_signal(number)
        self._process.communicate(timeout=60)


def test_killed_at_any_moment_each_file_is_whole_and_taken_up_in_the_end(
    hygiene: Hygiene, tmp_path: Path
) -> None:
    """The old one or the new one, with nothing beside it; what was kept is whole as well."""
    world = World(hygiene, tmp_path)
    rng, size = random.Random(8), 100_000
    parts = world.managed / "parts"
    parts.mkdir()
    world.approved = world.approved.replace("http {", f"http {{ include {parts}/*.conf;")
    world.conf.write_text(world.approved)
    texts = {parts / f"{i:02}.conf": (f"# {i}\n" * size)[:size] + "\n" for i in range(ROUNDS)}
    for path, text in texts.items():
        path.write_text(text)
    part = world.wanted | {"endpoints": []}
    managed: dict[str, Any] = {str(path): part | {"content": text} for path, text in texts.items()}
    try:
        world.server.start()
        kind = type(world.server)
        actions = {
            "test": {"command": [*kind.words(world.conf), "-t"]},
            "reload": {"command": world.server.reload},
        }
        world.unmended(managed | {str(world.conf): world.wanted}, actions=actions)
        client, alone = world.client(), Alone(world)
        for path, text in texts.items():
            drifted = text.replace("#", "##")
            path.write_text(drifted)
            alone.start()
            until(lambda: alone.works)
            time.sleep(rng.uniform(0, 0.6))
            alone.end(signal.SIGKILL)
            assert path.read_text() in {text, drifted}
        last = world.conf
        last.write_text(world.approved + "# drifted")
        alone.start()
        until(lambda: world.restored(last))
        until(lambda: all(path.read_text() == text for path, text in texts.items()))
        until(lambda: not _unproven(world, texts))
        alone.end(signal.SIGTERM)
        client.end()
        assert client.failed == []
        assert "reload" in {one["subject"] for one in world.daemon.audited("do")}
        assert [one for one in parts.iterdir() if one not in texts] == []
        assert [one.name for one in (world.daemon.state / "mender/kept").glob(".*")] == []
    finally:
        world.end()


def _unproven(world: World, texts: dict[Path, str]) -> list[Path]:
    return [path for path in texts if not world.noted("restored", path)]
