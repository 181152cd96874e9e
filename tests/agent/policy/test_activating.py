"""What the courier holds, publishes and says of a policy: over restarts, and when a role fails."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import snapshot
from agent.policy import activating, effective, inforce
from agent.policy.activating import Activating, Standing
from agent.policy.inforce import Offered
from agent.policy.layers import Layer
from agent.policy.pulled import Pulled
from agent.policy.trust import Seen as BelievedUpTo
from agent.policy.trust import View, Why
from agent.rolestatus import ActivePolicy, RoleStatus, Tried
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.policy.activation import Effective

URL = "file:///srv/policy"


def policy(name: str, edition: int) -> Effective:
    return effective.made([Layer("base", {"name": name})], {"base": edition}, {"targets": edition})


ONE, TWO = policy("one", 1), policy("two", 2)


def came(made: Effective) -> Pulled:
    return Pulled(time.time(), made.editions, made)


def role(name: str, made: Effective, why: str = "", *, active: bool = True) -> RoleStatus:
    """Give what a role publishes that tried a policy."""
    return RoleStatus(
        role=name,
        pid=1,
        started=1.0,
        at=time.time(),
        tried=Tried(sha256=made.sha256, why=why),
        policy=ActivePolicy(name=made.name, sha256=made.sha256, since=1.0) if active else None,
    )


class Courier:
    """The folders of a courier, and what it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.published = folder / "own", folder / "published"
        self.folder.mkdir()
        self.published.mkdir()
        self.begin()

    def begin(self, probation: float = 0.0) -> None:
        self.holds = Activating(self.folder, self.published, URL, probation)

    def offered(self) -> Offered:
        return snapshot.read(self.published / inforce.FILE, Offered) or Offered()

    def standing(self) -> Standing:
        read = snapshot.read(self.published / activating.STANDING, Standing)
        assert read is not None
        return read

    def judged(self, *statuses: RoleStatus) -> list[str]:
        notices = self.holds.judge({one.role: one for one in statuses})
        return [notice.state for notice in notices]

    def apply(self, made: Effective) -> None:
        self.holds.take(came(made))
        for _ in range(2):
            self.judged(role("watcher", made))
        assert self.standing().state == "applied"


@pytest.fixture
def courier(tmp_path: Path) -> Courier:
    return Courier(tmp_path)


def test_a_policy_goes_its_way_to_the_roles(courier: Courier) -> None:
    """Tried, then worked by, then known to be good; each step is published and said once."""
    assert courier.holds.fresh
    assert [one.state for one in courier.holds.take(came(ONE))] == ["policy applying"]
    assert courier.offered() == Offered(None, ONE)
    assert courier.judged(role("watcher", ONE, active=False)) == []
    assert courier.offered() == Offered(ONE, None)
    assert courier.judged(role("watcher", ONE)) == ["policy applied"]
    assert courier.offered() == Offered(ONE, None)
    told = courier.standing()
    assert (told.state, told.sha256, told.editions) == ("applied", ONE.sha256, {"base": 1})
    assert not courier.holds.busy
    assert courier.holds.sha256 == ONE.sha256


def test_a_role_that_cannot_use_it_brings_back_the_one_before(courier: Courier) -> None:
    """Its reason is told, and the same policy is not tried again."""
    courier.apply(ONE)
    courier.holds.take(came(TWO))
    assert courier.judged(role("watcher", TWO, "no such profile")) == ["policy failed"]
    assert courier.offered() == Offered(ONE, None)
    assert courier.standing().why == "watcher: no such profile"
    assert courier.holds.take(came(TWO)) == []
    assert courier.offered() == Offered(ONE, None)


@pytest.mark.parametrize("damaged", [False, True])
def test_what_is_good_is_kept_over_a_restart(courier: Courier, *, damaged: bool) -> None:
    """What was being proven begins anew; without what was held it has nothing to fall back to."""
    courier.apply(ONE)
    courier.holds.take(came(TWO))
    courier.judged(role("watcher", TWO, active=False))
    assert courier.offered().active == TWO
    if damaged:
        (courier.folder / "held").write_bytes(b"x" * 100)
    courier.begin(probation=60)
    assert courier.holds.rebuilt == damaged
    assert courier.offered() == Offered(TWO, None)
    assert courier.judged(role("watcher", TWO, "crashes")) == ["policy failed"]
    assert courier.offered().active == (None if damaged else ONE)


@pytest.mark.parametrize("applied", [False, True])
def test_of_nothing_that_can_be_read_nothing_holds(courier: Courier, *, applied: bool) -> None:
    """It is pulled again at once; a host that never had a policy misses none."""
    if applied:
        courier.apply(ONE)
        for path in (courier.folder / "held", courier.published / inforce.FILE):
            path.write_bytes(b"x" * 100)
    courier.begin()
    assert (courier.holds.fresh, courier.holds.rebuilt) == (True, applied)
    assert courier.offered() == Offered()


def test_what_cannot_be_written_is_done_when_it_can_be(courier: Courier) -> None:
    """A full disk keeps no host at a policy under which its roles end."""
    courier.apply(ONE)
    courier.begin(probation=60)
    courier.holds.take(came(TWO))
    courier.judged(role("watcher", TWO))
    for folder in (courier.folder, courier.published):
        with full(folder), pytest.raises(SnapshotError):
            courier.judged(role("watcher", TWO, "crashes"))
        assert courier.holds.busy
    assert courier.judged(role("watcher", TWO, "crashes")) == ["policy failed"]
    assert courier.offered().active == ONE
    assert courier.standing().state == "failed"


def test_when_it_was_believed_last_is_known_after_a_restart(courier: Courier) -> None:
    """Of the same store; another one was never asked."""
    view = View({"targets": 7}, {"targets": 9e9}, {}, BelievedUpTo())
    courier.holds.take(came(ONE)._replace(at=5.0, view=view))
    courier.holds.take(Pulled(6.0, {}, refused=Why.EXPIRED, why="timestamp: expired"))
    courier.begin()
    told = courier.standing()
    assert (told.believed, told.polled, told.refused) == (5.0, 6.0, "expired")
    assert told.versions == {"targets": 7}
    Activating(courier.folder, courier.published, "https://other", 0.0)
    assert courier.standing().believed == 0


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Have nothing be written in a folder, root's files included: it is not there."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    try:
        yield
    finally:
        aside.rename(folder)


def test_what_roles_read_is_mended_by_the_next_poll(courier: Courier) -> None:
    """Whoever damaged it; one that is as it was is not written again."""
    courier.apply(ONE)
    path = courier.published / inforce.FILE
    path.write_bytes(b"x" * 100)
    assert courier.holds.take(came(ONE)) == []
    assert courier.offered().active == ONE
    before = snapshot.mark(path)
    courier.holds.take(came(ONE))
    assert snapshot.mark(path) == before


def test_a_store_that_is_refused_changes_nothing_that_holds(courier: Courier) -> None:
    """It is said once, and once when it is believed again."""
    courier.apply(ONE)
    refused = Pulled(5.0, {}, refused=Why.ROLLBACK, why="timestamp: version 3 after 4")
    assert [one.state for one in courier.holds.take(refused)] == ["policy store refused: rollback"]
    assert courier.holds.take(refused._replace(at=6.0)) == []
    told = courier.standing()
    assert (told.state, told.refused, told.polled) == ("applied", "rollback", 6.0)
    assert courier.offered().active == ONE
    assert [one.state for one in courier.holds.take(came(ONE))] == ["policy store believed"]
    assert courier.standing().refused == ""


def test_what_the_store_has_may_be_no_policy(courier: Courier) -> None:
    """It is told with its reason, and what holds goes on."""
    courier.apply(ONE)
    said = courier.holds.take(Pulled(5.0, {"base": 7}, why="files.exclude: expected array"))
    assert [one.state for one in said] == ["policy failed"]
    assert "files.exclude" in said[0].detail
    assert courier.offered().active == ONE


def test_a_role_that_begins_anew_again_and_again_is_unwell(courier: Courier) -> None:
    """By when it was started, as its status says."""
    courier.apply(ONE)
    courier.begin(probation=60)
    courier.holds.take(came(TWO))
    courier.judged(role("watcher", TWO))
    for started in (1.0, 2.0):
        status = msgspec.structs.replace(role("watcher", TWO), started=started)
        assert courier.judged(status) == []
    status = msgspec.structs.replace(role("watcher", TWO), started=3.0)
    assert courier.judged(status) == ["policy failed"]
    assert courier.offered().active == ONE


def test_only_this_user_reads_what_is_held(courier: Courier) -> None:
    """The roles read what is published."""
    courier.apply(ONE)
    assert (courier.folder / "held").stat().st_mode & 0o777 == 0o600
