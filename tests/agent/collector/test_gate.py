"""Nobody takes what the others need: connections, bytes under way, bytes a second."""

from __future__ import annotations

from agent.collector.gate import Bounds, Gate


def test_connections_are_counted_in_all_by_address_and_by_name() -> None:
    """One too many is told so; when one has ended there is room again."""
    gate = Gate(Bounds(connections=2, by_address=1, by_name=1))
    with gate.connection() as first, gate.connection() as second:
        with gate.connection() as third:
            assert (first, second, third) == (True, True, False)
        with gate.connection() as still:
            assert not still
    with gate.connection() as again:
        assert again
    with gate.arriving("a") as first, gate.arriving("a") as second, gate.arriving("b") as other:
        assert (first, second, other) == (True, False, True)
    with gate.session("x") as first, gate.session("x") as second, gate.session("y") as other:
        assert (first, second, other) == (True, False, True)


def test_bodies_under_way_are_bounded() -> None:
    """A body waits while others fill the room, but never for ever because of its own size."""
    gate = Gate(Bounds(under_way=100))
    assert gate.pause("a", 200, 0) == 0
    with gate.holding(60):
        assert gate.pause("a", 50, 0) > 0
        assert gate.pause("a", 40, 0) == 0
    assert gate.pause("a", 50, 0) == 0


def test_a_name_that_sends_too_much_waits_and_others_do_not() -> None:
    """The pause is the time until its debt is paid."""
    gate = Gate(Bounds(rate=10, burst=100))
    gate.charge("a", 150, 0)
    assert 5 < gate.pause("a", 10, 0) <= 6
    assert gate.pause("b", 10, 0) == 0
    assert gate.pause("a", 10, 6.1) == 0
