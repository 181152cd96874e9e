"""What the watcher says of managed files, as they change."""

from __future__ import annotations

import datetime
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent import powers, settings
from agent.findings import Status
from agent.roles.base import Base
from agent.roles.managing import Managing
from checks import policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TODAY = datetime.date(2026, 5, 6)
TEXT = "http {\n  server {\n    ssl_protocols TLSv1.2 TLSv1.3;\n  }\n}\n"


class World:
    """A watcher's managed files, and nothing else of it."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "managed"
        self.folder.mkdir()
        told = settings.from_mapping({"version": 1, "state": str(tmp_path / "state")})
        powers.prepare(told, powers.ROLES)
        self.base = Base("watcher", told)
        self.managing = Managing(self.base, self._confine, lambda: TODAY)
        self.refused = False

    def _confine(self) -> None:
        if self.refused:
            raise PermissionError

    def manage(self, managed: dict[str, Any], **more: object) -> None:
        told = {"version": 1, "managed": managed, **more}
        self.managing.work_by(policy.from_mapping(told))

    def standing(self, status: Status = Status.OPEN) -> set[tuple[str, str]]:
        worst = self.base.ledger.worst(status, 100)
        return {(one.finding.check, os.path.basename(one.finding.location.path)) for one in worst}

    def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, (self.standing(), self.base.faults)
            self.managing.turn()
            time.sleep(0.02)

    def rest(self) -> None:
        """Let what changed be looked at."""
        end = time.monotonic() + 1
        while time.monotonic() < end or self.managing._aside is not None:
            self.managing.turn()
            time.sleep(0.02)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.managing.close()
    made.base.close()


def test_a_deviation_opens_and_closes_by_itself(world: World) -> None:
    """And what is as approved is none."""
    one, other = world.folder / "a.conf", world.folder / "b.conf"
    one.write_text(TEXT)
    other.write_text(TEXT)
    world.manage({str(path): {"content": TEXT} for path in (one, other)})
    world.rest()
    assert world.standing() == set()
    one.write_text(TEXT.replace("TLSv1.2 ", ""))
    world.until(lambda: world.standing() == {("managed-changed", "a.conf")})
    [told] = world.base.ledger.worst(Status.OPEN, 1)
    assert "line 3: found `ssl_protocols TLSv1.3;`" in told.finding.message
    assert "changed 20" in told.finding.message
    one.unlink()
    world.until(lambda: world.standing() == {("managed-missing", "a.conf")})
    one.write_text(TEXT)
    world.until(lambda: world.standing() == set())
    assert world.base.faults == {}


def test_a_value_may_be_asserted_instead_of_a_content(world: World) -> None:
    """By its key; the rest of the file is nobody's business."""
    path = world.folder / "nginx.conf"
    path.write_text(TEXT)
    asserts = [{"key": "http.server.ssl_protocols", "values": ["TLSv1.2 TLSv1.3", "TLSv1.3"]}]
    world.manage({str(path): {"asserts": asserts}})
    world.rest()
    assert world.standing() == set()
    path.write_text(TEXT.replace("TLSv1.2", "TLSv1"))
    world.until(lambda: world.standing() == {("managed-changed", "nginx.conf")})
    path.write_text("# more\n" + TEXT)
    world.until(lambda: world.standing() == set())


def test_a_waived_deviation_is_counted_apart(world: World) -> None:
    """With the reason that policy gives."""
    path = world.folder / "a.conf"
    waiver = {"check": "managed-missing", "path": str(path), "owner": "me", "reason": "later"}
    world.manage({str(path): {"content": ""}}, waivers=[{**waiver, "until": "2026-12-31"}])
    world.until(lambda: bool(world.standing(Status.SUPPRESSED)))
    assert world.standing() == set()


def test_another_policy_closes_what_it_says_nothing_of(world: World) -> None:
    """And what it learned is right from then on."""
    one, other = world.folder / "a.conf", world.folder / "b.conf"
    one.write_text("edited")
    world.manage({str(one): {"content": "x"}, str(other): {"content": "x"}})
    world.until(lambda: len(world.standing()) == 2)
    world.manage({str(one): {"content": "edited"}})
    assert world.standing() == {("managed-changed", "a.conf")}
    world.until(lambda: world.standing() == set())


def test_what_cannot_be_seen_is_a_fault_and_closes_nothing(world: World) -> None:
    """Until it is seen, whatever else is."""
    one, other = world.folder / "a.conf", world.folder / "b.conf"
    world.manage({str(path): {"content": "x"} for path in (one, other)})
    world.until(lambda: len(world.standing()) == 2)
    one.touch()
    os.truncate(one, 1 << 40)
    world.until(lambda: "managed files" in world.base.faults)
    assert "a.conf: too large" in world.base.faults["managed files"]
    other.write_text("x")
    world.until(lambda: world.standing() == {("managed-missing", "a.conf")})
    assert "managed files" in world.base.faults
    one.write_text("x")
    world.until(lambda: world.standing() == set())
    assert world.base.faults == {}


def test_a_process_that_cannot_look_is_a_fault(world: World) -> None:
    """Nothing is said of the files then."""
    world.refused = True
    world.manage({str(world.folder / "a.conf"): {"content": "x"}})
    world.until(lambda: "managed files" in world.base.faults)
    assert world.standing() == set()


def test_with_nothing_managed_nothing_is_waited_for(world: World) -> None:
    """With something, it is looked at soon."""
    assert world.managing.pause(7.0) == 7.0
    world.manage({str(world.folder / "a.conf"): {"content": "x"}})
    assert world.managing.pause(7.0) < 1
