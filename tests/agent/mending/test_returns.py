"""How often a path was put back, and what was given up, across restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.ledger import Ledger
from agent.mending.returns import HOUR, MOST_PROOFS, Returns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

A, B = "/etc/a", "/etc/\udcff"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    one = Ledger(str(tmp_path / "state"), "mender")
    yield one
    one.close()


@pytest.fixture
def returns(ledger: Ledger) -> Returns:
    return Returns(ledger)


def test_the_third_time_within_an_hour_is_too_often(returns: Returns, ledger: Ledger) -> None:
    """Until an hour after the first; another path is not concerned, a restart forgets nothing."""
    assert returns.many(A, 100) is None
    returns.begin([A, B], 100)
    assert returns.many(A, 101) is None
    returns.begin([A], 200)
    assert Returns(ledger).many(A, 201) == 100 + HOUR
    assert returns.many(B, 201) is None
    assert returns.many(A, 201, MOST_PROOFS) is None
    assert returns.many(A, 100 + HOUR + 1) is None


def test_a_clock_that_was_set_back_stops_nothing(returns: Returns) -> None:
    """What is in the future does not count."""
    returns.begin([A], 1000)
    returns.begin([A], 1001)
    assert returns.many(A, 500) is None


def test_what_was_begun_is_known_until_it_is_proven(returns: Returns, ledger: Ledger) -> None:
    """Since it was begun first; a path that is not UTF-8 too."""
    returns.begin([A, B], 100)
    returns.begin([A], 200)
    assert Returns(ledger).unproven() == {A: 100, B: 100}
    returns.proven([A])
    assert returns.unproven() == {B: 100}
    returns.give_up(B, "mark", "no such user")
    assert returns.unproven() == {}


def test_what_was_given_up_is_left_alone_as_it_is(returns: Returns) -> None:
    """Until it changes, its time is over, it is as approved, or somebody says so."""
    returns.give_up(A, "mark", "no such user", 200)
    assert returns.given_up(A, "mark", 100) == "no such user"
    assert returns.given_up(A, "other", 100) == ""
    assert returns.given_up(B, "mark", 100) == ""
    assert returns.given_up(A, "mark", 200) == ""
    returns.give_up(A, "mark", "undone")
    assert returns.given_up(A, "mark", 1e12) == "undone"
    returns.proven([A])
    assert returns.given_up(A, "mark", 100) == ""


def test_forgetting_begins_to_count_anew(returns: Returns) -> None:
    """For the paths that are named."""
    for at in (100, 101):
        returns.begin([A, B], at)
    returns.give_up(A, "mark", "why")
    returns.forget([A])
    assert (returns.many(A, 102), returns.given_up(A, "mark", 102)) == (None, "")
    assert returns.many(B, 102) is not None
