"""What is reported of sinks: once, and not so often that it feeds itself."""

from __future__ import annotations

from agent.courier import Progress
from agent.sinknotices import AGAIN, AWAY, Notice, Notices

FAILING = Progress("siem", failing="timed out", since=5.0)


def test_away_and_back() -> None:
    """A sink that fails for long is told once, and once more when it is back."""
    notices = Notices()
    assert notices.of([FAILING], 100.0) == []
    assert notices.of([FAILING], 100.0 + AWAY) == []
    assert notices.of([FAILING], 101.0 + AWAY) == [Notice("sink away", "siem: timed out")]
    assert notices.of([FAILING], 102.0 + AWAY) == []
    assert notices.of([Progress("siem")], 103.0 + AWAY) == [Notice("sink back", "siem")]
    assert notices.of([Progress("siem")], 104.0 + AWAY) == []


def test_a_short_absence_is_not_told() -> None:
    """What is over soon is nobody's concern, and does not add up."""
    notices = Notices()
    for at in range(0, 4000, 100):
        assert notices.of([FAILING], float(at)) == []
        assert notices.of([Progress("siem")], at + 50.0) == []


def test_refusals_are_told_once_an_hour() -> None:
    """A sink that refuses the very report about it is not told of that at once."""
    notices = Notices()
    first = Progress("siem", refused=2, refusal="HTTP 422")
    assert notices.of([first], 10.0) == [Notice("events refused", "siem: 2, HTTP 422")]
    more = first._replace(refused=7)
    assert notices.of([more], 11.0) == []
    assert notices.of([more], 10.0 + AGAIN) == [Notice("events refused", "siem: 5, HTTP 422")]
    assert notices.of([more], 20.0 + 2 * AGAIN) == []


def test_damage_is_told() -> None:
    """What could not be read in a journal is told, for each sink by itself."""
    notices = Notices()
    told = notices.of([Progress("a", damaged=1), Progress("b")], 0.0)
    assert told == [Notice("journal damaged", "a: 1 places or records left out")]
