"""A policy that takes effect, and what it changes in waivers, is said once."""

from __future__ import annotations

import datetime

import msgspec

from agent import policychange
from agent.auditlog import Said
from checks.policy import Policy, Waiver

OLD = Waiver("weak-password", "/etc/a", "me", "old", datetime.date(2999, 1, 1))
NEW = Waiver("weak-password", "/etc/b", "me", "new\n\x1b", datetime.date(2999, 1, 1), "ff")


def test_only_what_changed_is_said() -> None:
    """The policy, waivers that came and waivers that went; of the same policy nothing."""
    first = policychange.compare(None, Policy(name="one", waivers=(OLD,)), 5)
    assert [one.act for one in first.said] == ["policy in effect", "waiver in effect"]
    assert policychange.compare(first.kept, Policy(name="one", waivers=(OLD,)), 9).said == ()
    second = policychange.compare(first.kept, Policy(name="two", waivers=(NEW,)), 7)
    assert second.said == (
        Said("policy in effect", "two", f"sha256 {second.kept.sha256}"),
        Said(
            "waiver in effect",
            "weak-password at /etc/b, value ff, by me until 2999-01-01: new\\n\\x1b",
        ),
        Said("waiver ended", "weak-password at /etc/a, by me until 2999-01-01: old"),
    )
    assert (first.kept.active.since, second.kept.active.since) == (5, 7)
    assert second.kept.active.waivers == 1


def test_the_digest_is_of_all_that_a_policy_says() -> None:
    """Whatever its order was; texts that are no UTF-8 do no harm."""
    policy = Policy(name="p", waivers=(OLD,))
    assert policychange.digest(policy) == policychange.digest(msgspec.structs.replace(policy))
    for other in ({"name": "q\udcff"}, {"fail_on": "low"}, {"waivers": ()}):
        changed = msgspec.structs.replace(policy, **other)
        assert policychange.digest(changed) != policychange.digest(policy)


def test_the_digest_outlives_a_version_that_can_say_more() -> None:
    """What is said of nothing is left out: the policy that a host held holds after an upgrade."""

    class More(Policy, frozen=True):
        new: dict[str, str] = msgspec.field(default_factory=dict)
        other: int = 5

    policy = Policy(name="p", waivers=(OLD,))
    told = msgspec.convert(msgspec.to_builtins(policy), More)
    assert policychange.digest(told) == policychange.digest(policy)
    changed = msgspec.structs.replace(told, other=6)
    assert policychange.digest(changed) != policychange.digest(policy)
