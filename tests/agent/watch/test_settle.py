"""A file is looked at when it has come to rest, once, and never kept waiting for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.watch.settle import LATEST, QUIET, Settler


def test_a_file_that_is_written_in_ten_steps_is_due_once() -> None:
    """Every touch puts it off; it is due fifty milliseconds after the last."""
    settler = Settler()
    for step in range(10):
        settler.touch("/a", 100 + step * 0.03)
        assert settler.due(100 + step * 0.03) == []
    assert settler.due(100.27 + QUIET - 0.001) == []
    assert settler.due(100.27 + QUIET + 0.001) == ["/a"]
    assert settler.due(200) == []
    assert len(settler) == 0


def test_a_file_that_never_rests_is_due_after_two_seconds() -> None:
    """Somebody who keeps writing does not keep us from looking."""
    settler, now = Settler(), 100.0
    while not (found := settler.due(now)):
        settler.touch("/a", now)
        now += 0.01
    assert found == ["/a"]
    assert LATEST - 0.02 <= now - 100 <= LATEST + 0.05


def test_the_wait_is_until_the_next_may_be_due() -> None:
    """None where nothing waits."""
    settler = Settler()
    assert settler.wait(100) is None
    settler.touch("/a", 100)
    assert settler.wait(100) == pytest.approx(QUIET)
    assert settler.wait(200) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 0.2)), max_size=60))
def test_every_touch_is_followed_by_a_look(steps: list[tuple[str, float]]) -> None:
    """No touch is lost: each path is due after its last touch, and within the longest wait."""
    settler, now = Settler(), 0.0
    touched: dict[str, float] = {}
    for path, pause in steps:
        settler.touch(path, now)
        touched[path] = now
        now += pause
        for due in settler.due(now):
            del touched[due]
    for due in settler.due(now + LATEST):
        del touched[due]
    assert touched == {}
