"""Vault is asked in time, not by all hosts at once, and less and less while it does not answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.vault import lease

DAY = 86_400.0
NOW = st.floats(min_value=0, max_value=4e9)
HOSTS = [f"host{number}" for number in range(500)]


@given(begins=NOW, life=st.floats(min_value=60, max_value=1e9), host=st.text(max_size=20))
def test_it_is_renewed_before_two_thirds(begins: float, life: float, host: str) -> None:
    """Whatever host and life, it is renewed between 60 and 67 percent of it, each time the same."""
    when = lease.renewal(host, "web", begins, begins + life)
    assert 0.59 * life <= when - begins <= 0.67 * life
    assert when == lease.renewal(host, "web", begins, begins + life)


def test_a_fleet_is_spread() -> None:
    """Hosts that were given the same life at once ask at times of their own, key by key."""
    for moments in (
        [lease.renewal(host, "web", 0, DAY) for host in HOSTS],
        [lease.renewal("host", host, 0, DAY) for host in HOSTS],
        [lease.look(host, "web", DAY, 0) for host in HOSTS],
        [lease.again(host, "web", 9, 0) for host in HOSTS],
    ):
        span = max(moments) - min(moments)
        tenths = {int((one - min(moments)) / span * 9.99) for one in moments}
        assert tenths == set(range(10))
        assert len(set(moments)) == len(HOSTS)


def test_what_never_ends_is_never_renewed() -> None:
    """A life without end has no renewal."""
    assert lease.renewal("host", "web", 0, math.inf) == math.inf


@given(now=NOW, every=st.integers(min_value=1, max_value=10**6))
def test_looks_are_one_interval_apart(now: float, every: int) -> None:
    """The next look is within an interval, and the one after it an interval later."""
    first = lease.look("host", "web", every, now)
    assert 0 <= first - now <= every
    assert lease.look("host", "web", every, first + every / 10) == pytest.approx(first + every)


def test_a_restart_moves_no_look() -> None:
    """At whatever moment of an interval it is computed, the look is at the same time."""
    first = lease.look("host", "web", 60, 1000.0)
    assert {round(lease.look("host", "web", 60, first - left), 6) for left in (50, 30, 1)} == {
        round(first, 6)
    }


def test_waits_grow_to_ten_minutes() -> None:
    """From a second or two, each wait is up to twice the last, and none longer than ten minutes."""
    waits = [lease.again("host", "web", number, 0.0) for number in range(1, 1000)]
    assert all(
        min(2.0 ** (number + 1), 600) <= 2 * wait and wait <= min(2.0 ** (number + 1), 600)
        for number, wait in enumerate(waits)
    )
    assert waits[-1] >= 300


def test_waits_stay_short_beside_what_is_left() -> None:
    """None is over a quarter of what is left of a life, once that is more than half a minute."""
    for left in (0.0, 40.0, 100.0, 500.0, 2000.0):
        longest = max(
            lease.again("host", f"web{key}", lease.counted(failures, left), 0.0)
            for failures in (1, 7, 1000)
            for key in range(50)
        )
        most = max(left / 4, 30)
        assert most / 4 < longest <= most
    assert [lease.counted(failures, math.inf) for failures in (1, 7, 1000)] == [1, 7, 1000]
    assert lease.counted(3, 1e6) == 3


@given(begins=NOW, life=st.floats(min_value=60, max_value=1e9), old=st.floats(0, 0.9))
def test_what_is_old_when_it_is_got_is_not_asked_for_at_once(
    begins: float, life: float, old: float
) -> None:
    """A quarter of what is left has to be over; what is new is renewed when it would be anyway."""
    now = begins + life * old
    when = lease.renewal("host", "web", begins, begins + life, now)
    assert now + 0.24 * (begins + life - now) <= when < begins + life
    if old < 0.4:
        assert when == lease.renewal("host", "web", begins, begins + life)


@pytest.mark.parametrize("after", [0.0, 7.0, 3600.0])
def test_it_waits_as_long_as_vault_asks_for(after: float) -> None:
    """Where Vault says how long to wait, it is not asked before; a wait below none counts none."""
    assert lease.again("host", "web", 1, 100.0, after) >= 101.0 + after
    assert lease.again("host", "web", 1, 100.0, -50.0) >= 101.0


@given(st.lists(st.text(max_size=5), max_size=4))
def test_a_position_is_a_share(words: list[str]) -> None:
    """It is from 0 up to 1, and words that are split elsewhere are others."""
    assert 0 <= lease.position(*words) < 1
    assert lease.position("ab", "c") != lease.position("a", "bc")
