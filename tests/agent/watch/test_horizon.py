"""Nothing counts as seen up to a time while something that happened before it waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.watch.horizon import Horizon


def test_what_waits_holds_it_back() -> None:
    """Until all of it was looked at; what came later does not, nor what cannot be said just now."""
    waiting, horizon = {"a", "b"}, Horizon(100.0)
    horizon.looked((), None, lambda: waiting)
    assert horizon.until == 100
    horizon.looked((), 110.0, lambda: waiting)
    horizon.looked(["a"], 120.0, lambda: {"b", "c"})
    assert horizon.until == 100
    horizon.looked(["b"], 130.0, lambda: {"c"})
    assert horizon.until == 110
    horizon.looked(["c"], 140.0, set)
    assert horizon.until == 140


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.booleans()), max_size=80))
def test_it_never_runs_ahead(steps: list[tuple[bool, int, bool]]) -> None:
    """Whatever comes and is looked at in whatever order, the oldest that waits is not before it."""
    waiting: dict[str, float] = {}
    horizon = Horizon(0.0)
    for now, (comes, which, known) in enumerate(steps, start=1):
        path = f"f{which}"
        if comes:
            waiting.setdefault(path, now - 0.5)
        else:
            waiting.pop(path, None)
        dealt = () if comes else (path,)
        horizon.looked(dealt, float(now) if known else None, lambda: {*waiting})
        assert horizon.until <= min(waiting.values(), default=now)
    for path in [*waiting]:
        del waiting[path]
        horizon.looked((path,), None, lambda: {*waiting})
    horizon.looked((), len(steps) + 1.0, set)
    assert horizon.until == len(steps) + 1
