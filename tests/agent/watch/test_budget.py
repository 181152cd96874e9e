"""What is used stays within its rate; one owner does not use up what others need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.watch.budget import Bucket, Processor, Shares


@given(st.lists(st.floats(0, 50), min_size=1, max_size=50), st.floats(1, 20))
def test_no_more_is_taken_than_came(amounts: list[float], rate: float) -> None:
    """Whoever waits as told takes at most the burst and what came since, and one item over."""
    bucket, now, taken = Bucket(rate, 10, 0), 0.0, 0.0
    for amount in amounts:
        now += bucket.wait(amount, now)
        bucket.take(amount, now)
        taken += amount
        assert taken <= 10 + rate * now + max(amounts) + 1e-6


def test_an_item_larger_than_the_bucket_is_let_through() -> None:
    """When the bucket is full; what comes next waits until it is paid for."""
    bucket = Bucket(1, 10, 0)
    assert bucket.wait(50, 0) == 0
    bucket.take(50, 0)
    assert bucket.wait(1, 0) == pytest.approx(41)


def test_an_owner_who_used_up_its_share_waits_and_others_do_not() -> None:
    """A user who writes without end cannot keep us from the files of others."""
    shares = Shares(rate=10, owner_rate=1, now=0)
    shares.take(1000, 20, 0)
    assert shares.wait(1000, 1, 0) > 10
    assert shares.wait(0, 1, 0) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    """And takes nothing either."""
    bucket = Bucket(1, 10, 100)
    bucket.take(10, 100)
    assert bucket.wait(1, 50) == pytest.approx(1)


class Used:
    """Seconds of processor time that somebody used, in a world whose clock is a number."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


_ITEMS = st.lists(st.floats(0, 0.3), min_size=1, max_size=300)


@given(_ITEMS, st.floats(1, 150), st.floats(0, 30))
def test_ten_seconds_hold_no_more_processor_time_than_their_budget(
    items: list[float], percent: float, idle: float
) -> None:
    """Of whoever rests as told, on two cores, but for the one item with which it went over it."""
    used, now, past = Used(), idle, [(0.0, 0.0)]
    processor = Processor(percent, used, 0)
    for item in items:
        while (rest := processor.rest(now)) > 0:
            now += rest + 1e-6
        now += item / 2 + 0.001
        used.seconds += item
        past.append((now, used.seconds))
        between = used.seconds - next(seconds for then, seconds in past if then >= now - 10)
        assert between <= percent / 100 * 10 + max(items) + 0.04


def test_who_works_without_a_break_rests_most_of_the_time() -> None:
    """At a quarter of one core it rests for three quarters, and it still gets on."""
    used, now, rested = Used(), 0.0, 0.0
    processor = Processor(25, used, now)
    while now < 100:
        rest = processor.rest(now)
        rested += rest
        now += rest + 1e-6 if rest else 0.05
        used.seconds += 0 if rest else 0.05
    assert 75 < rested < 80


def test_who_used_little_need_not_rest() -> None:
    """A single change is dealt with at once, and what is used less than the budget never waits."""
    used, now = Used(), 0.0
    processor = Processor(25, used, now)
    for _ in range(1000):
        now += 0.1
        used.seconds += 0.02
        assert processor.rest(now) == 0
