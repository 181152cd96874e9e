"""From a changed file on a host to the central page: the agent, its sink, the receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent.collector.world import Role, World, host, leak
from tests.e2e.daemon import until
from tests.e2e.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    made = World(folder)
    made.receiver.start()
    yield made
    made.end()


@pytest.fixture
def fleet(folder: Path) -> Iterator[Fleet]:
    made = Fleet(folder)
    try:
        made.start()
        yield made
    finally:
        made.end()


def test_what_stands_in_a_file_is_seen_at_the_receiver(
    fleet: Fleet, make_password: Callable[[str], str]
) -> None:
    """Found, gone, found while the receiver was down: in step at the end, and no value anywhere."""
    first, second = make_password("first"), make_password("second")
    (fleet.tree / "app.env").write_text(f"DB_PASSWORD={first}\n")
    fleet.until(lambda: fleet.statuses() == {"app.env": "open"})
    [row] = fleet.world.receiver.shown()["hosts"]
    assert (row["name"], row["image"], row["labels"]) == (
        "web1.example",
        "base:7",
        {"team": "payments"},
    )
    fleet.world.receiver.kill()
    (fleet.tree / "app.env").unlink()
    (fleet.tree / "other.env").write_text(f"DB_PASSWORD={second}\n")
    until(lambda: (told := fleet.watcher) and (told.open, told.removed) == (1, 1))
    fleet.world.receiver.start()
    wanted = {"app.env": "removed", "other.env": "open"}
    fleet.until(lambda: fleet.statuses() == wanted)
    [row] = fleet.world.receiver.shown()["hosts"]
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
