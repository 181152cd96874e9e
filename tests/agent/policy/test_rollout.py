"""Rollout: which edition is for a host, stable by host; and when it asks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy import rollout
from agent.policy.rollout import Asking, Rollout
from checks.errors import PolicyError

HOSTS = [f"host-{i}" for i in range(2000)]
WEB = Asking("h", {"role": "web"}, 1_800_000_000)


def share_of(percent: float, edition: int = 2) -> set[str]:
    """Give the hosts that take a new edition at a share."""
    editions = {1: Rollout(), edition: Rollout(share=percent)}
    return {
        host
        for host in HOSTS
        if rollout.chosen(editions, "base", Asking(host, {}, 0), None) == edition
    }


@pytest.mark.parametrize("percent", [0, 1, 10, 50, 99, 100])
def test_a_share_is_about_that_share(percent: float) -> None:
    """Of two thousand hosts, within what chance allows."""
    assert abs(len(share_of(percent)) / len(HOSTS) * 100 - percent) < 3.5
    assert len(share_of(percent)) in {0, len(HOSTS)} or 0 < percent < 100


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_growing_share_takes_nobody_out(one: float, other: float) -> None:
    """Who had it keeps it."""
    assert share_of(min(one, other)) <= share_of(max(one, other))


def test_other_hosts_try_the_next_edition_first() -> None:
    """The first tenth of one edition is not the first tenth of the next."""
    both = share_of(10, 2) & share_of(10, 3)
    assert len(both) < 0.4 * len(share_of(10, 2))


@pytest.mark.parametrize(
    ("told", "holds", "edition"),
    [
        (Rollout(), None, 2),
        (Rollout(labels={"role": "web"}), None, 2),
        (Rollout(labels={"role": "db"}), None, 1),
        (Rollout(labels={"role": "web", "site": "ams"}), None, 1),
        (Rollout(share=0), None, 1),
        (Rollout(share=0), 2, 1),
        (Rollout(paused=True), None, 1),
        (Rollout(paused=True), 1, 1),
        (Rollout(paused=True), 2, 2),
        (rollout.of({"from": "2027-01-15T08:00:00Z"}, "t"), None, 2),
        (rollout.of({"from": "2027-01-15T08:00:01Z"}, "t"), None, 1),
    ],
)
def test_for_whom_an_edition_is(told: Rollout, holds: int | None, edition: int) -> None:
    """By labels, share, time; a pause keeps it where it is and brings it nowhere else."""
    assert rollout.chosen({1: Rollout(), 2: told}, "base", WEB, holds) == edition


def test_no_edition_may_be_for_a_host() -> None:
    """A layer whose only edition is for others says nothing."""
    assert rollout.chosen({1: Rollout(share=0)}, "base", WEB, None) is None
    assert rollout.chosen({}, "base", WEB, None) is None


@pytest.mark.parametrize(
    "told",
    [
        {"share": 101},
        {"share": -1},
        {"shares": 1},
        {"from": "soon"},
        {"from": "2027-01-15T08:00:00"},
        {"labels": ["role"]},
        [],
        "all",
        None,
    ],
)
def test_a_rollout_that_cannot_be_read(told: object) -> None:
    """It is refused with its place, and nothing is taken for the default."""
    with pytest.raises(PolicyError, match=r"^t: "):
        rollout.of(told, "t")


@given(st.sampled_from(HOSTS), st.floats(1, 86_400), st.floats(0, 4e9))
def test_a_host_asks_once_in_every_interval(host: str, every: float, now: float) -> None:
    """At the same moment of each, whenever it was started."""
    wait = rollout.due(host, every, now)
    assert 0 < wait <= every
    then = rollout.due(host, every, now + wait / 2)
    assert then == pytest.approx(wait / 2, abs=0.01)


def test_hosts_spread_over_the_interval() -> None:
    """No tenth of it has much more than a tenth of them."""
    tenths = [int(rollout.due(host, 300, 1e9) // 30.0001) for host in HOSTS]
    assert max(tenths.count(tenth) for tenth in range(10)) < 1.4 * len(HOSTS) / 10
