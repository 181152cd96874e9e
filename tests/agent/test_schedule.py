"""When endpoints are asked: at once when new, cheaply each minute, whole when changed and daily."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.schedule import Due, Kind, Schedule

MINUTE, DAY = 60.0, 86_400.0


def schedule(seed: int = 7) -> Schedule:
    return Schedule(MINUTE, DAY, random.Random(seed))


def test_a_new_endpoint_is_looked_at_as_a_whole_at_once() -> None:
    """And not again while that is going on."""
    plan = schedule()
    assert plan.keep(["a"], 0) == []
    assert plan.due(0) == [Due("a", Kind.WHOLE)]
    assert plan.due(100) == []


def test_after_that_it_is_asked_cheaply_about_every_minute() -> None:
    """A tenth earlier or later; as a whole when a day has passed."""
    plan = schedule()
    plan.keep(["a"], 0)
    [due] = plan.due(0)
    plan.done(due, 0)
    now, kinds = 0.0, []
    while now < 1.2 * DAY:
        now += plan.wait(now) or 0
        for due in plan.due(now):
            kinds.append((now, due.kind))
            plan.done(due, now)
    whole = [when for when, kind in kinds if kind is Kind.WHOLE]
    assert len(whole) == 1
    assert 0.9 * DAY <= whole[0] <= 1.1 * DAY + MINUTE
    cheap = [when for when, kind in kinds if kind is Kind.FINGERPRINT]
    assert 1200 <= len(cheap) <= 2200


def test_a_change_has_it_looked_at_now() -> None:
    """Whatever was planned."""
    plan = schedule()
    plan.keep(["a", "b"], 0)
    for due in plan.due(0):
        plan.done(due, 0)
    plan.hurry(["a", "unknown"], 5)
    assert plan.due(5) == [Due("a", Kind.WHOLE)]


def test_one_that_is_gone_is_told_and_forgotten() -> None:
    """An answer that comes after that is no error."""
    plan = schedule()
    plan.keep(["a", "b"], 0)
    [first, _] = plan.due(0)
    assert plan.keep(["b"], 1) == ["a"]
    plan.done(first, 2)
    assert plan.wait(2) is None


def test_what_was_known_before_a_restart_is_asked_cheaply_first() -> None:
    """A restart is no reason to look at everything as a whole."""
    plan = schedule()
    plan.keep(["a"], 1000)
    plan.known("a", 3600, 1000)
    assert plan.due(1000) == [Due("a", Kind.FINGERPRINT)]


def test_a_fleet_does_not_ask_all_at_once() -> None:
    """Hosts that start together drift apart."""
    waits = set()
    for seed in range(50):
        plan = schedule(seed)
        plan.keep(["a"], 0)
        [due] = plan.due(0)
        plan.done(due, 0)
        waits.add(plan.wait(0))
    assert len(waits) == 50
    assert min(waits, key=float) == pytest.approx(54, abs=3)  # type: ignore[arg-type]  # none is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 200)), max_size=40))
def test_nothing_is_forgotten(steps: list[tuple[str, float]]) -> None:
    """Whatever happens, an endpoint that is there is due within its longest wait."""
    plan, now = schedule(), 0.0
    plan.keep("abc", now)
    for key, pause in steps:
        now += pause
        plan.hurry([key], now)
        for due in plan.due(now):
            plan.done(due, now)
    wait = plan.wait(now)
    assert wait is not None
    assert wait <= 1.1 * MINUTE
