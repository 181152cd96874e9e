"""A number is new once, whatever the order; what never came is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.collector.sequence import Range, Sequence


@given(st.lists(st.integers(1, 60), max_size=200))
def test_each_number_is_taken_once(numbers: list[int]) -> None:
    """Against a set: first times are true, repetitions false, the missing are those not there."""
    sequence, seen = Sequence(), set[int]()
    for number in numbers:
        assert sequence.take(number) == (number not in seen)
        seen.add(number)
        sequence = Sequence(sequence.last, sequence.missing)  # as after a restart
    missing = {n for first, last in sequence.missing for n in range(first, last + 1)}
    assert missing == set(range(1, max(seen, default=0) + 1)) - seen


def test_what_is_healed_is_missing_no_more() -> None:
    """After healing nothing is missing, and what comes late was there before."""
    sequence = Sequence()
    assert sequence.take(3)
    assert sequence.missing == (Range(1, 2),)
    sequence.heal()
    assert sequence.missing == ()
    assert not sequence.take(2)
    assert sequence.take(4)


def test_ranges_are_bounded() -> None:
    """A sender that leaves out every other number is followed within limits."""
    sequence = Sequence()
    for number in range(2, 10_000, 2):
        assert sequence.take(number)
    assert len(sequence.missing) == 500
    assert sequence.take(9_999 - 2)
