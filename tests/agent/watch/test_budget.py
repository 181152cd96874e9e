"""What is used stays within its rate; one owner does not use up what others need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.watch.budget import Bucket, Shares


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
