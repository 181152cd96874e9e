"""A waiver ends with its day: what it covered counts again, with no look at anything."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import ledger
from agent.events import Kind
from agent.findings import Look, Status
from agent.ledger import Ledger, LedgerError
from agent.waiving import Waivers
from checks import suppress
from checks.model import (
    Confidence,
    Evidence,
    Finding,
    Fingerprint,
    Location,
    Severity,
    Suppressed,
    Suppression,
)
from checks.policy import Waiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.events import Event

LAST, NEXT = datetime.date(2026, 5, 7), datetime.date(2026, 5, 8)
WAIVER = Waiver(check="embedded-*", path="/etc/*", owner="team", reason="moving", until=LAST)
MARK = Suppression("mark", "", "a test value")


def leak(identity: str, path: str = "/etc/a.yml") -> Finding:
    evidence = Evidence("••••••••", 12, (Fingerprint("k1", identity),))
    where = Location(path, 3, key_path="db.password")
    check, level = "embedded-password", Severity.HIGH
    return Finding(
        check, level, Confidence.HIGH, where, "m", "f", evidence=evidence, identity=identity
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(str(tmp_path / "state.sqlite"), "watcher")
    yield made
    made.close()


def look(kept: Ledger, finding: Finding, *waivers: Waiver, today: datetime.date = LAST) -> None:
    """Take in a look at the file of a finding, as it is weighed on a day."""
    counted, waived = suppress.waive([finding], waivers, today)
    kept.observe(finding.location.path, Look(tuple(counted), tuple(waived)), 100.0)


def new(kept: Ledger) -> list[Event]:
    """Give what was told since the last time."""
    records = kept.waiting()
    kept.written(records[-1].sequence if records else 0)
    return ledger.told(records)


def working_by(kept: Ledger, *waivers: Waiver) -> Waivers:
    made = Waivers(kept)
    made.work_by(waivers)
    return made


def test_the_finding_is_open_again_on_the_next_day(kept: Ledger) -> None:
    """It is as old as it was, and was seen when it was seen; a second turn tells nothing."""
    look(kept, leak("a"), WAIVER)
    new(kept)
    waivers = working_by(kept, WAIVER)
    waivers.turn(LAST, 150.0)
    assert new(kept) == []
    waivers.turn(NEXT, 200.0)
    waivers.turn(NEXT, 201.0)
    [event] = new(kept)
    assert (event.kind, event.at) == (Kind.OPENED, 200.0)
    assert (event.first_seen, event.last_seen, event.suppression) == (100.0, 100.0, None)
    assert kept.statuses("a") == [Status.OPEN]
    look(kept, leak("a"), WAIVER, today=NEXT)
    assert new(kept) == []


def test_another_waiver_that_still_holds_takes_over(kept: Ledger) -> None:
    """The finding stays suppressed, by the other one's owner."""
    longer = msgspec.structs.replace(WAIVER, owner="boss", until=datetime.date(2027, 1, 1))
    look(kept, leak("a"), WAIVER, longer)
    new(kept)
    working_by(kept, WAIVER, longer).turn(NEXT, 200.0)
    [event] = new(kept)
    assert event.kind is Kind.SUPPRESSED
    assert event.suppression is not None
    assert event.suppression.owner == "boss"


def test_what_a_mark_suppresses_stays_so(kept: Ledger) -> None:
    """A mark has no date; it stands in the file, which was not looked at."""
    kept.observe("/etc/a.yml", Look(suppressed=(Suppressed(leak("a"), MARK),)), 100.0)
    new(kept)
    working_by(kept, WAIVER).turn(LAST, 200.0)
    working_by(kept).turn(NEXT, 300.0)
    assert new(kept) == []


def test_a_leak_that_was_removed_is_no_matter_of_waivers(kept: Ledger) -> None:
    """Only its change at the service ends it."""
    look(kept, leak("a"))
    kept.observe("/etc/a.yml", Look(), 150.0)
    new(kept)
    working_by(kept, WAIVER).turn(LAST, 200.0)
    assert new(kept) == []
    assert kept.statuses("a") == [Status.REMOVED]


def test_a_new_policy_is_weighed_at_once(kept: Ledger) -> None:
    """A waiver that came covers what it fits and nothing else; one that went covers nothing."""
    look(kept, leak("a"))
    look(kept, leak("b", "/srv/b.yml"))
    new(kept)
    waivers = working_by(kept)
    waivers.turn(LAST, 150.0)
    waivers.work_by((WAIVER,))
    waivers.turn(LAST, 200.0)
    assert [(one.kind, one.finding and one.finding.identity) for one in new(kept)] == [
        (Kind.SUPPRESSED, "a")
    ]
    waivers.work_by(())
    waivers.turn(LAST, 250.0)
    assert [one.kind for one in new(kept)] == [Kind.OPENED]


def test_a_clock_that_is_set_back_brings_the_waiver_back(kept: Ledger) -> None:
    """As a look on that day would."""
    look(kept, leak("a"), WAIVER, today=NEXT)
    new(kept)
    waivers = working_by(kept, WAIVER)
    waivers.turn(NEXT, 200.0)
    waivers.turn(LAST, 100.0)
    assert [one.kind for one in new(kept)] == [Kind.SUPPRESSED]


def test_a_day_that_could_not_be_written_is_weighed_again(kept: Ledger) -> None:
    """A full disk on the day keeps no finding suppressed for longer than that lasts."""
    look(kept, leak("a"), WAIVER)
    new(kept)
    waivers = working_by(kept, WAIVER)
    kept.base.execute("PRAGMA query_only = 1")
    with pytest.raises(LedgerError):
        waivers.turn(NEXT, 200.0)
    kept.base.execute("PRAGMA query_only = 0")
    waivers.turn(NEXT, 201.0)
    assert [one.kind for one in new(kept)] == [Kind.OPENED]
