"""From a changed file on a host to the central page: the agent, its sink, the receiver."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.agent.collector.world import Role, World, host, leak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SETTINGS = """
version: 1
host: {{id: web1, name: web1.example, image: "base:7", labels: {{team: payments}}}}
state: {state}
watch: {{roots: [{tree}]}}
tls: {{enabled: false}}
sinks:
  central:
    kind: https
    url: https://localhost:{port}/v1/events
    ca: {ca}
    certificate: {certificate}
    key: {key}
"""


class Fleet:
    """One host with its agent, and a receiver."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, viewers=True)
        self.world.receiver.start()
        self.tree = folder / "tree"
        self.tree.mkdir()
        files = self.world.hosts.issue("web1")
        settings = folder / "agent.yaml"
        settings.write_text(
            SETTINGS.format(
                state=folder / "state",
                tree=self.tree,
                port=self.world.receiver.port,
                ca=folder / "own.pem",
                certificate=files.certificate,
                key=files.key,
            )
        )
        self._log = folder / "agent.log"
        command = [sys.executable, "-I", "-m", "agent", "run", "--settings", str(settings)]
        with self._log.open("wb") as log:
            self.agent = subprocess.Popen(command, stdout=log, stderr=log)

    def statuses(self) -> dict[str, str]:
        """Give what the receiver knows of the host, by path."""
        rows = self.world.receiver.shown()["hosts"]
        if not rows:
            return {}
        found = self.world.receiver.findings("web1")
        return {row["path"].rpartition("/")[2]: row["status"] for row in found}

    def until(self, expected: dict[str, str]) -> None:
        end = time.monotonic() + 60
        while (found := self.statuses()) != expected:
            assert time.monotonic() < end, (found, self._log.read_text())
            time.sleep(0.2)

    def row(self) -> dict[str, Any]:
        [row] = self.world.receiver.shown()["hosts"]
        return dict(row)

    def end(self) -> None:
        self.agent.terminate()
        self.agent.wait(30)
        self.world.end()


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    made = World(folder)
    made.receiver.start()
    yield made
    made.end()


@pytest.fixture
def fleet(folder: Path) -> Iterator[Fleet]:
    made = Fleet(folder)
    yield made
    made.end()


def test_what_stands_in_a_file_is_seen_at_the_receiver(
    fleet: Fleet, make_password: Callable[[str], str]
) -> None:
    """Found, gone, found while the receiver was down: in step at the end, and no value anywhere."""
    first, second = make_password("first"), make_password("second")
    (fleet.tree / "app.env").write_text(f"DB_PASSWORD={first}\n")
    fleet.until({"app.env": "open"})
    row = fleet.row()
    assert (row["name"], row["image"], row["labels"]) == (
        "web1.example",
        "base:7",
        {"team": "payments"},
    )
    fleet.world.receiver.kill()
    (fleet.tree / "app.env").unlink()
    (fleet.tree / "other.env").write_text(f"DB_PASSWORD={second}\n")
    time.sleep(1)
    fleet.world.receiver.start()
    fleet.until({"app.env": "removed", "other.env": "open"})
    row = fleet.row()
    assert (row["out_of_step"], row["missing"], row["open"], row["removed"]) == (0, 0, 1, 1)
    viewer = fleet.world.client(fleet.world.others.issue("viewer"), view=True)
    page = viewer.ask("GET", "/").body
    assert "web1.example" in page
    kept = b"".join(one.read_bytes() for one in fleet.world.receiver.state.iterdir())
    for value in (first, second):
        assert value not in page
        assert value.encode() not in kept


def test_the_page_is_written_without_a_server(world: World, folder: Path) -> None:
    """`report`, `hosts` and `show` need the folder only; a folder that is not there is told."""
    role = Role()
    assert world.speaker("web1").send(host("web1"), role.opened(leak("a" * 32))).status == 200
    assert world.receiver.stop() == 0
    page = folder / "page.html"
    done = world.receiver.run("report", "--output", str(page))
    assert done.returncode == 0, done.stderr
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert page.read_text().endswith("</html>\n")
    assert world.receiver.run("hosts").stdout.endswith("1 host\n")
    assert world.receiver.run("retire", "web1").returncode == 0
    assert world.receiver.run("hosts").stdout.endswith("0 hosts\n")
    assert "retired" in world.receiver.run("hosts", "--retired").stdout
    world.receiver.state = folder / "nowhere"
    for words in (["hosts"], ["show"], ["report", "--output", str(page)], ["retire", "web1"]):
        lost = world.receiver.run(*words)
        assert lost.returncode == 2
        assert "Traceback" not in lost.stderr
    assert not world.receiver.state.exists()
