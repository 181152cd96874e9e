"""How often a path was put back, and what was given up, across restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.ledger import Ledger
from agent.mending.returns import HOUR, Returns

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


def _return(returns: Returns, at: float, *paths: str) -> None:
    returns.begin(paths, at)
    returns.proven(paths)


def test_the_third_time_within_an_hour_is_too_often(returns: Returns, ledger: Ledger) -> None:
    """Until an hour after the first; another path is not concerned, a restart forgets nothing."""
    assert returns.many(A, 100) is None
    _return(returns, 100, A, B)
    assert returns.many(A, 101) is None
    _return(returns, 200, A)
    assert Returns(ledger).many(A, 201) == 100 + HOUR
    assert returns.many(B, 201) is None
    assert returns.many(A, 100 + HOUR + 1) is None


def test_a_clock_that_was_set_back_stops_nothing(returns: Returns) -> None:
    """What is in the future does not count."""
    _return(returns, 1000, A)
    _return(returns, 1001, A)
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


def test_one_return_that_is_begun_again_and_again_counts_once(returns: Returns) -> None:
    """But not for ever: who is ended each time does not go on."""
    for at in range(29):
        returns.begin([A], 100 + at)
    assert (returns.unproven(), returns.many(A, 200)) == ({A: 100}, None)
    for at in range(3):
        returns.begin([A], 200 + at)
    assert (returns.unproven(), returns.many(A, 300)) == ({}, 201 + HOUR)


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
        _return(returns, at, A, B)
    returns.give_up(A, "mark", "why")
    returns.forget([A])
    assert (returns.many(A, 102), returns.given_up(A, "mark", 102)) == (None, "")
    assert returns.many(B, 102) is not None
