"""Managed files come back by themselves, on a real nginx that serves all the time."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent import audit
from tests.agent.vault.authority import issue
from tests.e2e.daemon import Daemon, until
from tests.e2e.test_keeper import NAME, Client, Nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Hygiene

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


class World:
    """A daemon that keeps the configuration of a running nginx as policy approved it."""

    def __init__(self, hygiene: Hygiene, folder: Path) -> None:
        self.hygiene, self.folder = hygiene, folder
        self.pem = folder / "web.pem"
        material = issue(NAME, names=[NAME])
        self.pem.write_text(material.private + material.pem)
        self.nginx = Nginx(folder, self.pem)
        self.managed = folder / "managed"
        self.managed.mkdir()
        self.conf = self.managed / "nginx.conf"
        self.approved = self.nginx.config.read_text().replace(
            "access_log off;", "access_log off; ssl_protocols TLSv1.2 TLSv1.3;"
        )
        self.conf.write_text(self.approved)
        self.nginx.config = self.conf
        self.daemon: Daemon | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        return {
            "content": self.approved,
            "owner": "root",
            "group": "root",
            "mode": "0644",
            "answer": "prove",
            "test": "test",
            "action": "reload",
            "endpoints": [f"127.0.0.1:{self.nginx.port}/{NAME}"],
        }

    def begin(self, managed: dict[str, Any] | None = None, **mend: object) -> None:
        command = ["/usr/sbin/nginx", "-e", "stderr", "-c", str(self.conf)]
        self.nginx.start()
        until(lambda: _answers(self.nginx))
        self.daemon = Daemon(
            self.hygiene,
            self.folder,
            tls={"discover": 1},
            sinks={
                "file": {"kind": "file", "path": str(self.folder / "state/courier/events.jsonl")}
            },
            actions={
                "test": {"command": [*command, "-t"]},
                "reload": {"command": [*command, "-s", "reload"]},
            },
            mend={"folders": [str(self.managed)], **mend},
        )
        self.manage(managed or {str(self.conf): self.wanted})
        self.daemon.start()
        until((self.daemon.state / "mender/published/status").exists)

    def manage(self, managed: dict[str, Any]) -> None:
        told = {"version": 1, "name": "known good", "managed": managed}
        self.daemon.policy.write_text(json.dumps(told))

    def restored(self, path: Path) -> float:
        """Give when a path was last put back and proven, 0 if never."""
        log = self.daemon.state / "mender/published" / audit.NAME
        said = [one for one in audit.entries(log) if one.act == "restored"]
        return max((one.at for one in said if one.subject == str(path)), default=0.0)

    def findings(self) -> set[tuple[str, str]]:
        """Give check and path of what the daemon says of managed files now."""
        said = json.loads(self.daemon.ask("status", "--findings", "--format", "json").stdout)
        worst = said["findings"]["worst"]
        return {(one["check"], one["path"]) for one in worst if "managed" in one["check"]}

    def end(self) -> None:
        self.nginx.end()
        if self.daemon is not None:
            self.daemon.end()


def _answers(nginx: Nginx) -> bool:
    try:
        return bool(nginx.serial())
    except OSError:
        return False


@pytest.fixture
def world(hygiene: Hygiene, tmp_path: Path) -> Iterator[World]:
    made = World(hygiene, tmp_path)
    yield made
    made.end()


def test_a_bad_edit_comes_back_proven_within_two_seconds(world: World) -> None:
    """The weak set-up goes, the service never stops, and what was there is kept."""
    world.begin()
    client = Client(world.nginx)
    took = []
    for weak in ("TLSv1.2", "TLSv1.1 TLSv1.2"):
        at = time.time()
        world.conf.write_text(world.approved.replace("TLSv1.2 TLSv1.3", weak))
        until(lambda since=at: world.restored(world.conf) > since, 20)
        took.append(world.restored(world.conf) - at)
        assert world.conf.read_text() == world.approved
    client.end()
    assert client.failed == []
    assert min(took) < 10  # two on a machine that is not busy: tests/bench/results-mending.md


def test_what_was_put_back_is_told_reported_and_can_be_undone(world: World) -> None:
    """Before and after stand in the audit log and the report; undo leaves it to a person."""
    world.begin()
    edited = world.approved.replace("TLSv1.2 TLSv1.3", "TLSv1.2")
    world.conf.write_text(edited)
    until(lambda: world.daemon.audited("restored"))
    [told] = world.daemon.audited("restored")
    listed = world.daemon.ask("restore", "list").stdout
    kept = listed.split()[0]
    assert kept in told["result"]
    assert str(world.conf) in listed
    until(
        lambda: any(
            one["kind"] == "health" and one["health"]["state"] == "restored"
            for one in world.daemon.reported()
        )
    )
    undone = world.daemon.ask("restore", "undo", kept)
    assert (undone.returncode, world.conf.read_text()) == (0, edited)
    until(lambda: ("managed-changed", str(world.conf)) in world.findings())
    until(lambda: ("managed-not-restored", str(world.conf)) in world.findings())
    assert world.daemon.ask("restore", "now", "--dry-run").returncode == 1
    assert world.conf.read_text() == edited
    assert world.daemon.ask("restore", "now").returncode == 0
    assert world.conf.read_text() == world.approved
    until(lambda: not world.findings())
