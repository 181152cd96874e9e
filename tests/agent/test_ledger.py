"""A role's state: what is known and what has to be told are written together or not at all."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from agent import journal, ledger
from agent.events import Event, Health, Kind
from agent.findings import Look, Status, digest
from agent.journal import Record, Writer
from agent.ledger import Counts, DamagedError, Ledger, LedgerError
from checks.model import Confidence, Evidence, Finding, Fingerprint, Location, Severity

if TYPE_CHECKING:
    from pathlib import Path


def leak(identity: str, path: str = "/etc/a.yml") -> Finding:
    evidence = Evidence("••••••••", 12, (Fingerprint("k1", identity),))
    return Finding(
        "embedded-password",
        Severity.HIGH,
        Confidence.HIGH,
        Location(path, 3, key_path="db.password"),
        "m",
        "f",
        evidence=evidence,
        identity=identity,
    )


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "state.sqlite")


def told(kept: Ledger) -> list[Event]:
    return ledger.told(kept.waiting())


def test_what_was_seen_is_known_and_told_after_a_restart(path: str) -> None:
    """State and events are in the file; a new process goes on with both."""
    first = Ledger(path, "watcher")
    [event] = first.observe("/etc/a.yml", Look((leak("a"),)), 100)
    first.close()
    again = Ledger(path, "watcher")
    assert told(again) == [event]
    assert event.id == f"{again.stream}-1"
    assert again.observe("/etc/a.yml", Look((leak("a"),)), 200) == []
    assert again.counts() == Counts(open=1)


def test_numbers_are_never_given_twice(path: str) -> None:
    """An event that was handed over takes its number with it."""
    kept = Ledger(path, "watcher")
    kept.observe("x", Look((leak("a"),)), 100)
    kept.written(1)
    assert kept.waiting() == []
    kept.close()
    again = Ledger(path, "watcher")
    [event] = again.observe("x", Look((leak("b"),)), 200)[:1]
    assert event.id.endswith("-2")


def test_a_name_that_is_not_utf8_is_kept(path: str) -> None:
    """A file's bytes come back as they were."""
    kept = Ledger(path, "watcher")
    kept.observe("/srv/\udcff", Look((leak("a", "/srv/\udcff"),)), 100)
    assert list(kept.subjects()) == ["/srv/\udcff"]
    [event] = told(kept)
    assert event.finding is not None
    assert event.finding.location.path == "/srv/\udcff"


def test_all_or_nothing(path: str) -> None:
    """What fails in the middle leaves neither state nor event."""
    kept = Ledger(path, "watcher")

    def fails() -> None:
        with kept.together():
            kept.observe("x", Look((leak("a"),)), 100)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert kept.waiting() == []
    assert kept.counts() == Counts()


def test_a_leak_is_closed_when_its_value_was_changed(path: str) -> None:
    """The owner's word resolves it in every place."""
    kept = Ledger(path, "watcher")
    kept.observe("x", Look((leak("a"), leak("b"))), 100)
    kept.observe("x", Look(), 200)
    assert kept.counts() == Counts(removed=2)
    [event] = kept.rotated("a", 300)
    assert event.kind is Kind.RESOLVED
    assert kept.counts() == Counts(removed=1)
    assert kept.rotated("a", 300) == []


def test_the_digest_is_what_is_open_and_removed(path: str) -> None:
    """The receiver can work it out from the events alone."""
    kept = Ledger(path, "watcher")
    kept.observe("x", Look((leak("a"), leak("b"))), 100)
    kept.observe("x", Look((leak("a"),)), 200)
    event = kept.digest(300, 7)
    assert event.digest is not None
    assert (event.digest.open, event.digest.removed, event.digest.epoch) == (1, 1, 7)
    assert event.digest.sha256 == digest([("a", Status.OPEN), ("b", Status.REMOVED)])


def test_everything_can_be_told_again(path: str) -> None:
    """A receiver that lost its state gets all of it, with the first sights."""
    kept = Ledger(path, "watcher")
    kept.observe("x", Look((leak("a"), leak("b"))), 100)
    kept.observe("x", Look((leak("a"),)), 200)
    kept.written(99)
    assert kept.retell(300) == 2
    found = {(e.finding.identity, e.kind, e.first_seen) for e in told(kept) if e.finding}
    assert found == {("a", Kind.OPENED, 100), ("b", Kind.REMOVED, 100)}


def test_garbage_is_set_aside(path: str) -> None:
    """A damaged file is refused, moved away, and a new one begins a new stream."""
    kept = Ledger(path, "watcher")
    kept.observe("x", Look((leak("a"),)), 100)
    stream = kept.stream
    kept.close()
    with open(path, "r+b") as file:
        file.write(b"garbage" * 1000)
    with pytest.raises(DamagedError):
        Ledger(path, "watcher")
    aside = ledger.set_aside(path, 1234.5)
    assert os.path.exists(aside)
    again = Ledger(path, "watcher")
    assert again.stream != stream
    assert again.counts() == Counts()


def test_a_full_disk_is_told_and_changes_nothing(path: str) -> None:
    """It can be tried again when there is room."""
    kept = Ledger(path, "watcher")
    kept.base.execute("PRAGMA max_page_count = 12")
    many = tuple(leak(f"{n:032x}") for n in range(500))
    with pytest.raises(LedgerError, match="full"):
        kept.observe("x", Look(many), 100)
    assert kept.waiting() == []
    kept.base.execute("PRAGMA max_page_count = 100000")
    assert len(kept.observe("x", Look(many), 100)) == 500


def test_a_link_is_not_followed(tmp_path: Path, path: str) -> None:
    """A state file is ours or none."""
    (tmp_path / "other").write_bytes(b"")
    os.symlink(tmp_path / "other", path)
    with pytest.raises(LedgerError):
        Ledger(path, "watcher")


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path, path: str) -> None:
    """Of a role that is killed again and again each event is in the journal once, in order."""
    folder = str(tmp_path / "journal")
    Ledger(path, "watcher").close()
    for moment in range(10):
        child = os.fork()
        if child == 0:
            _busy(path, folder)
        time.sleep(0.03 + moment / 100)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    kept = Ledger(path, "watcher")
    writer = Writer(folder, kept.stream)
    while records := kept.waiting():
        writer.append(records)
        kept.written(records[-1].sequence)
    events = ledger.told(r for r in journal.read(folder, kept.stream, 0) if isinstance(r, Record))
    assert [int(event.id.partition("-")[2]) for event in events] == [*range(1, len(events) + 1)]
    mirror: dict[str, str] = {}
    for event in events:
        assert event.finding is not None
        mirror[event.finding.identity] = event.kind.value
    rows = kept.base.execute("SELECT identity, status FROM tracked")
    assert {i: {"open": "opened"}.get(s, s) for i, s in rows} == mirror
    assert len(events) > 50


def _busy(path: str, folder: str) -> None:
    kept = Ledger(path, "watcher")
    writer = Writer(folder, kept.stream)
    count = 0
    while True:
        count += 1
        kept.observe(f"s{count % 7}", Look((leak(f"{count % 7}-{count % 3}"),)), float(count))
        records = kept.waiting()
        writer.append(records)
        if records:
            kept.written(records[-1].sequence)


def test_events_about_the_agent_itself_are_told_alike(path: str) -> None:
    """A role's own health goes the same way."""
    kept = Ledger(path, "prober")
    event = kept.emit(Kind.HEALTH, 5, health=Health(component="prober", state="started"))
    assert told(kept) == [event]
    assert event.role == "prober"


def test_a_wrong_record_is_left_out(path: str) -> None:
    """Control: what is no event does not stop the others."""
    kept = Ledger(path, "watcher")
    kept.observe("x", Look((leak("a"),)), 100)
    [record] = kept.waiting()
    spoiled = [Record(7, b"\xc1"), Record(8, b"{"), Record(9, b"{}"), record]
    assert len(ledger.told(spoiled)) == 1
    assert isinstance(kept.base, sqlite3.Connection)


def test_numbers_that_the_journal_has_are_not_given_again(tmp_path: Path, path: str) -> None:
    """A power cut may take the state's last transactions, and leave their events in the journal."""
    kept = Ledger(path, "watcher")
    kept.emit(Kind.HEALTH, 100, health=Health(component="watcher", state="one"))
    kept.base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with open(path, "rb") as file:
        before = file.read()
    kept.emit(Kind.HEALTH, 200, health=Health(component="watcher", state="lost"))
    Writer(str(tmp_path / "journal"), kept.stream).append(kept.waiting())
    kept.close()
    with open(path, "wb") as file:
        file.write(before)
    again = Ledger(path, "watcher")
    writer = Writer(str(tmp_path / "journal"), again.stream)
    again.begin_behind(writer.last)
    event = again.emit(Kind.HEALTH, 300, health=Health(component="watcher", state="new"))
    assert event.id == f"{again.stream}-3"
    writer.append(again.waiting())
    records = journal.read(str(tmp_path / "journal"), again.stream, 0)
    events = ledger.told(one for one in records if isinstance(one, Record))
    assert [one.health.state for one in events if one.health] == ["one", "lost", "new"]


def test_an_event_that_no_journal_takes_holds_up_none_behind_it(path: str) -> None:
    """It is told that it was left out."""
    kept = Ledger(path, "watcher")
    kept.observe("/etc/a.yml", Look((leak("a", "/" + "x" * journal.LONGEST),)), 100)
    kept.observe("/etc/b.yml", Look((leak("b"),)), 100)
    first, second = told(kept)
    assert first.health is not None
    assert first.health.state == "event left out"
    assert second.finding == leak("b")
    assert all(len(one.content) <= journal.LONGEST for one in kept.waiting())
