"""A role and the policy: it tries what it is told to try, and works by what holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import settings, snapshot
from agent.policy import effective, inforce
from agent.policy.inforce import InForce, Offered
from agent.policy.layers import Layer
from agent.roles.base import Base
from agent.rolestatus import STATUS, RoleStatus, Tried
from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.policy.activation import Effective
    from agent.policyfile import Holding
    from agent.settings import Settings

BAD = "bad"


def policy(name: str) -> Effective:
    return effective.made([Layer("base", {"name": name})], {"base": 1}, {})


class Role:
    """A role that works by the name of its policy, and cannot work by one called bad."""

    def __init__(self, told: Settings) -> None:
        self.base = Base("watcher", told)
        self.built: list[str] = []
        self.inforce = InForce(self.base, self.build)
        self.works_by = self.inforce.first()

    def build(self, holding: Holding) -> str:
        if holding.policy.name == BAD:
            raise PolicyError("no such profile")
        self.built.append(holding.policy.name)
        return holding.policy.name

    def turn(self) -> str:
        """Take what there is to take, at once."""
        self.inforce._due = 0.0
        if (made := self.inforce.turn()) is not None:
            self.works_by = made
        return self.works_by

    def status(self) -> RoleStatus:
        read = snapshot.read(self.base.published / STATUS, RoleStatus)
        assert read is not None
        return read


@pytest.fixture
def told(tmp_path: Path) -> Settings:
    own = tmp_path / "own.yaml"
    own.write_text("version: 1\nname: own\n")
    (tmp_path / "state" / "courier" / "published").mkdir(parents=True)
    raw = {"version": 1, "state": str(tmp_path / "state"), "policy": str(own)}
    return settings.from_mapping({**raw, "store": {"url": "file:///srv/policy"}})


@pytest.fixture
def role(told: Settings) -> Iterator[Role]:
    one = Role(told)
    yield one
    one.base.close()


def offer(told: Settings, active: Effective | None, tried: Effective | None = None) -> None:
    snapshot.write(inforce.place(told), Offered(active, tried))


def test_the_hosts_own_policy_holds_until_one_came(role: Role) -> None:
    """A host whose store was never reached is not without policy."""
    assert (role.works_by, role.turn()) == ("own", "own")
    assert role.status is not None


def test_a_policy_is_tried_without_working_by_it(told: Settings, role: Role) -> None:
    """It says at once that it can; the switch itself builds nothing again."""
    new = policy("new")
    offer(told, None, new)
    assert role.turn() == "own"
    tried = role.status().tried
    assert tried is not None
    assert (tried.sha256, tried.why) == (new.sha256, "")
    offer(told, new)
    assert role.turn() == "new"
    assert role.built == ["own", "new"]
    role.base.say()
    active = role.status().policy
    assert active is not None
    assert active.sha256 == new.sha256


def test_a_policy_that_cannot_be_used_is_said_to_be_so(told: Settings, role: Role) -> None:
    """And nothing changes."""
    offer(told, None, policy(BAD))
    assert role.turn() == "own"
    tried = role.status().tried
    assert tried is not None
    assert tried.why == "no such profile"
    assert role.base.faults == {}


def test_one_that_holds_and_cannot_be_used_is_a_fault(told: Settings, role: Role) -> None:
    """The one before holds on, until another comes."""
    offer(told, policy("new"))
    assert role.turn() == "new"
    offer(told, policy(BAD))
    assert role.turn() == "new"
    assert role.base.faults == {"policy": "no such profile"}
    tried = role.status().tried
    assert tried is not None
    assert tried.why
    offer(told, policy("newer"))
    assert role.turn() == "newer"
    assert role.base.faults == {}


def test_a_role_that_begins_tries_what_there_is_to_try(told: Settings) -> None:
    """Before it does, it has said that it began."""
    offer(told, policy("one"), policy("two"))
    role = Role(told)
    began: list[float] = []
    build = role.build

    def watched(holding: Holding) -> str:
        began.append(role.status().started)
        return build(holding)

    role.inforce._build = watched
    role.turn()
    assert role.base.tried == Tried(sha256=policy("two").sha256)
    assert (role.works_by, began) == ("one", [role.base.started])
    role.base.close()


def test_what_is_damaged_is_a_fault_until_it_is_mended(told: Settings, role: Role) -> None:
    """What the role had holds on."""
    offer(told, policy("one"))
    assert role.turn() == "one"
    inforce.place(told).write_bytes(b"x" * 100)
    assert role.turn() == "one"
    assert "damaged" in role.base.faults["published policy"]
    offer(told, policy("one"))
    assert role.turn() == "one"
    assert "published policy" not in role.base.faults


def test_a_role_begins_by_what_holds(told: Settings) -> None:
    """The store is not asked for that."""
    offer(told, policy("new"), policy("newer"))
    one = Role(told)
    assert one.works_by == "new"
    one.base.close()


def test_a_role_that_cannot_begin_by_what_holds_begins_by_its_own(told: Settings) -> None:
    """And says so, so that the courier takes it back."""
    offer(told, policy(BAD))
    one = Role(told)
    assert one.works_by == "own"
    tried = one.status().tried
    assert tried is not None
    assert (tried.sha256, bool(tried.why)) == (policy(BAD).sha256, True)
    one.base.close()


@pytest.mark.parametrize("content", [b"", b"x" * 200, b"\0" * 64])
def test_what_is_no_policy_changes_nothing(told: Settings, role: Role, content: bytes) -> None:
    """What was published last holds on."""
    offer(told, policy("new"))
    assert role.turn() == "new"
    inforce.place(told).write_bytes(content)
    assert role.turn() == "new"


def test_a_policy_that_is_not_what_it_says_is_refused(told: Settings, role: Role) -> None:
    """By its hash, and for the files that it names."""
    new = policy("new")
    lying = [
        {**new.says, "name": "other"},
        {**new.says, "secrets": {"rules": ["/etc/shadow"]}},
        {**new.says, "tls": {"profiles": ["/etc/shadow"]}},
    ]
    for says in lying:
        offer(told, msgspec.structs.replace(new, says=says))
        assert role.turn() == "own"
        assert "policy" in role.base.faults


def test_without_a_store_only_a_signal_brings_another(told: Settings, tmp_path: Path) -> None:
    """Nothing that is published is looked at."""

    alone = msgspec.structs.replace(told, store=settings.StoreSettings())
    offer(told, policy("new"))
    one = Role(alone)
    (tmp_path / "own.yaml").write_text("version: 1\nname: changed\n")
    assert (one.works_by, one.turn()) == ("own", "own")
    one.base.reloading = True
    assert one.turn() == "changed"
    one.base.close()
