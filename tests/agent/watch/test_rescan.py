"""Whoever makes events be lost all the time keeps no gap open, and nobody walking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent import ledger as ledgers
from agent.ledger import Ledger
from agent.watch.coverage import Coverage
from agent.watch.rescan import Rescan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOST = "kernel's event queue overflowed"


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(str(tmp_path / "state.sqlite"), "watcher")
    yield opened
    opened.close()


def told(base: Ledger) -> list[tuple[str, float, bool, int]]:
    """Give the gaps: reason, start, whether it ended, and how many files were missed."""
    gaps = [one.gap for one in ledgers.told(base.waiting(1000)) if one.gap]
    return [(one.reason, one.started, bool(one.ended), one.missed) for one in gaps]


def test_each_walk_ends_the_gap_for_what_was_missed_before_it(base: Ledger) -> None:
    """What was missed while it went on is a gap of its own, which the next one ends."""
    rescan = Rescan(Coverage(base))
    rescan.ask(_LOST, 10, walking=False)
    assert rescan.begins(0)
    rescan.ask(_LOST, 20, walking=True)
    rescan.met(3)
    rescan.ended(1, {"a", "b"})
    rescan.looked(["a"])
    assert told(base) == [(_LOST, 10, False, 0)]
    rescan.looked(["b"])
    first = [(_LOST, 10, False, 0), (_LOST, 10, True, 3), (_LOST, 20, False, 0)]
    assert told(base) == first
    assert rescan.begins(100)
    rescan.ended(101, set())
    assert told(base) == [*first, (_LOST, 20, True, 0)]
    assert not rescan.asked


def test_walks_come_at_a_bounded_rate_however_often_they_are_asked_for(base: Ledger) -> None:
    """The first at once, then later and later; after a calm while at once again."""
    rescan = Rescan(Coverage(base))
    begun = []
    for tick in range(2000):
        now = tick / 10
        rescan.ask(_LOST, 10, walking=False)
        if rescan.begins(now):
            begun.append(now)
            rescan.ended(now, set())
    assert begun[0] == 0
    assert begun[1] <= 2
    assert 200 / 15 <= len(begun) < 20
    assert len(told(base)) <= 2 * len(begun) + 1
    rescan.ask("", 0, walking=False)
    assert rescan.begins(10_000)


def test_files_that_wait_for_long_hold_up_no_later_gap_for_ever(base: Ledger) -> None:
    """The first walk's gap ends by what it met, though others end meanwhile."""
    rescan = Rescan(Coverage(base))
    for number in range(10):
        rescan.ask(_LOST, number, walking=False)
        assert rescan.begins(100 * number)
        rescan.ended(100 * number, {f"{number}", "held"} if number else {"first"})
    rescan.looked(["first"])
    assert told(base) == [(_LOST, 0, False, 0), (_LOST, 0, True, 0), (_LOST, 1, False, 0)]
    rescan.looked(["held", "9"])
    assert told(base)[3:] == [(_LOST, 1, True, 0)]


def test_a_walk_of_which_something_could_not_be_kept_ends_no_gap(base: Ledger) -> None:
    """The next one does."""
    rescan = Rescan(Coverage(base))
    rescan.ask(_LOST, 10, walking=False)
    assert rescan.begins(0)
    rescan.retry(5)
    rescan.ended(1, set())
    assert told(base) == [(_LOST, 10, False, 0)]
    assert rescan.begins(100)
    rescan.ended(101, set())
    assert told(base)[1:] == [(_LOST, 10, True, 0)]


def test_the_noisiest_folder_is_named_once_for_each_gap(base: Ledger) -> None:
    """Though another one is the noisiest a moment later; another reason is told."""
    rescan = Rescan(Coverage(base))
    for noisy in ("/tmp/a", "/tmp/b"):
        rescan.ask(_LOST, 10, walking=False, noisy=noisy)
    assert told(base) == [(f"{_LOST}, most events from /tmp/a", 10, False, 0)]
    rescan.ask("policy changed", 20, walking=False)
    assert told(base)[-1] == ("policy changed", 10, False, 0)
