"""What was not seen is told with start and end, whatever comes between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent import ledger as ledgers
from agent.ledger import Ledger
from agent.watch.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.events import Gap


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(str(tmp_path / "state.sqlite"), "watcher")
    yield made
    made.close()


def told(ledger: Ledger) -> list[Gap]:
    return [event.gap for event in ledgers.told(ledger.waiting()) if event.gap]


def test_a_gap_ends_when_it_is_made_up_for(ledger: Ledger) -> None:
    """And the same reason once more, while it lasts, begins no other one."""
    coverage = Coverage(ledger)
    coverage.open("watch", "agent was not running", 100, 200)
    coverage.open("watch", "agent was not running", 150, 210)
    coverage.close("watch", "rescan", 300, missed=7)
    coverage.close("watch", "rescan", 400)
    assert [(one.started, one.ended, one.missed) for one in told(ledger)] == [
        (100, 0, 0),
        (100, 300, 7),
    ]


def test_a_further_reason_leaves_no_gap_without_an_end(ledger: Ledger) -> None:
    """Whoever counts by reason sees each one end, and the second reach as far back as the first."""
    coverage = Coverage(ledger)
    coverage.open("watch", "agent was not running", 100, 200)
    coverage.open("watch", "kernel's event queue overflowed", 205, 210)
    assert [one.reason for one in coverage.all()] == ["kernel's event queue overflowed"]
    coverage.close("watch", "rescan", 300)
    assert [(one.reason, one.started, one.ended, one.closed_by) for one in told(ledger)] == [
        ("agent was not running", 100, 0, ""),
        ("agent was not running", 100, 210, "another reason"),
        ("kernel's event queue overflowed", 100, 0, ""),
        ("kernel's event queue overflowed", 100, 300, "rescan"),
    ]
    assert not len(coverage)
