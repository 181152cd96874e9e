"""When endpoints are asked: at once when new, cheaply each minute, whole when changed and daily."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.schedule import Due, Kind, Schedule

MINUTE, DAY, WEEK = 60.0, 86_400.0, 7 * 86_400.0


def schedule(seed: int = 7) -> Schedule:
    return Schedule(MINUTE, DAY, WEEK, random.Random(seed))


def deep_looks(plan: Schedule, until: float, took: float = 30.0) -> list[tuple[float, str]]:
    """Live until a moment; give the deep looks, each of which takes a while, others none."""
    now, made, ends = 0.0, [], []
    while now < until:
        for due in plan.due(now):
            if due.kind is Kind.DEEP:
                made.append((now, due.key))
                ends.append((now + took, due))
            else:
                plan.done(due, now)
        waits = [end - now for end, _ in ends] + [wait for wait in (plan.wait(now),) if wait]
        now += min(waits) if waits else took
        for end, due in [one for one in ends if one[0] <= now]:
            ends.remove((end, due))
            plan.done(due, now)
    return made


def test_a_new_endpoint_is_looked_at_as_a_whole_at_once() -> None:
    """And not again while that is going on."""
    plan = schedule()
    plan.keep(["a"], 0)
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


def test_one_that_is_gone_is_forgotten() -> None:
    """An answer that comes after that is no error."""
    plan = schedule()
    plan.keep(["a", "b"], 0)
    [first, _] = plan.due(0)
    plan.keep(["b"], 1)
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


def test_nothing_is_looked_at_deeply_unless_that_is_wanted() -> None:
    """And no more when it is not wanted any longer."""
    plan = schedule()
    plan.keep(["a", "b"], 0)
    assert deep_looks(plan, 2 * WEEK) == []
    plan = schedule()
    plan.keep(["a", "b"], 0)
    plan.deepen({"a": None}, 0)
    plan.deepen({}, 0)
    assert deep_looks(plan, 2 * WEEK) == []


def test_a_deep_look_is_made_weekly_and_soon_for_what_is_new() -> None:
    """Within a day at first, then each week, a tenth earlier or later; for no other endpoint."""
    plan = schedule()
    plan.keep(["a", "b"], 0)
    plan.deepen({"a": None}, 0)
    made = deep_looks(plan, 4 * WEEK)
    assert {key for _, key in made} == {"a"}
    times = [when for when, _ in made]
    assert 0 < times[0] <= DAY
    between = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(between) >= 3
    assert all(0.9 * WEEK <= one <= 1.1 * WEEK + MINUTE for one in between)


def test_one_deep_look_at_a_time() -> None:
    """Those that are due meanwhile wait, and are cheaply asked like all others."""
    plan = schedule()
    keys = [str(number) for number in range(20)]
    plan.keep(keys, 0)
    plan.deepen(dict.fromkeys(keys, WEEK), 0)
    made = deep_looks(plan, 1.2 * WEEK, took=2 * 3600.0)
    times = [when for when, _ in made]
    assert {key for _, key in made} == set(keys)
    assert all(later - earlier > 7199.9 for earlier, later in itertools.pairwise(times))


def test_a_deep_look_is_a_whole_one() -> None:
    """The next whole look is a day after it."""
    plan = schedule()
    plan.keep(["a"], 0)
    plan.deepen({"a": WEEK}, 0)
    [due] = plan.due(DAY)
    assert due == Due("a", Kind.DEEP)
    plan.done(due, DAY)
    assert plan.due(1.8 * DAY) == [Due("a", Kind.FINGERPRINT)]


def test_a_restart_does_not_bring_the_next_deep_look_forward() -> None:
    """Who was looked at two days ago has five more; who is over the time does not all at once."""
    plan = schedule()
    plan.keep(["a", "b", "c"], 0)
    plan.deepen({"a": 2 * DAY, "b": 9 * DAY, "c": 9 * DAY}, 0)
    plan.deepen({"a": 0.0, "b": 0.0, "c": 0.0}, 0)
    first = {key: when for when, key in reversed(deep_looks(plan, WEEK))}
    assert 0.9 * WEEK - 2 * DAY <= first["a"] <= 1.1 * WEEK - 2 * DAY + MINUTE
    assert 0 < first["b"] <= DAY
    assert 0 < first["c"] <= DAY
    assert first["b"] != first["c"]


def test_who_goes_while_it_is_looked_at_deeply_holds_up_nobody() -> None:
    """The next one has its turn when that look has ended."""
    plan = schedule()
    plan.keep(["a", "b"], 0)
    plan.deepen({"a": None, "b": None}, 0)
    [asked] = [due for due in plan.due(2 * DAY) if due.kind is Kind.DEEP]
    other = ({"a", "b"} - {asked.key}).pop()
    plan.keep([other], 2 * DAY)
    plan.done(Due(other, Kind.WHOLE), 2 * DAY)
    assert Due(other, Kind.DEEP) not in plan.due(4 * DAY)
    plan.done(Due(other, Kind.WHOLE), 4 * DAY)
    plan.done(asked, 4 * DAY)
    assert plan.due(4 * DAY) == [Due(other, Kind.DEEP)]


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
