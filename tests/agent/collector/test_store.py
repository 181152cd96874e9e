"""What is known of hosts follows what their roles know, however the events come."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import ledger, packing
from agent.collector import detail, retiring, schema, view
from agent.collector.batch import Batch, Numbered
from agent.collector.hosts import Rule, Speaker, StrangerError, speaker
from agent.collector.schema import StoreError
from agent.collector.store import Limits, Store
from agent.collector.streams import StreamError
from agent.events import Audit, Dropped, Event, Gap, Health, Host, Kind
from agent.findings import Look, Status, Tracked
from agent.ledger import Ledger
from checks.model import Suppressed, Suppression
from tests.agent.collector.world import Role, fault, host, leak

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.model import Finding

NOW = time.time()
WAIVER = Suppression("waiver", "team", "moving", "2027-01-31")
IDS = [letter * 32 for letter in "abcdef"]


def numbered(event: Event) -> Numbered:
    stream, _, sequence = event.id.rpartition("-")
    return Numbered(stream, int(sequence), event)


class Kept(NamedTuple):
    """A store and its folder."""

    store: Store
    folder: Path

    def take(
        self, events: Iterable[Event], *, of: Host | None = None, now: float = NOW
    ) -> tuple[int, int]:
        """Take a batch of a host; give how many events there were, and how many new ones."""
        who = of or host("web1")
        batch = Batch(who, tuple(map(numbered, events)), 0)
        with self.store.together():
            return self.store.take(batch, Speaker(who.id, bound=False), now)

    def known(self, stream: str = "") -> dict[str, tuple[str, Tracked]]:
        """Give what is not closed, by identity."""
        base = schema.look(self.folder)
        rows = base.execute("SELECT identity, status, known FROM findings WHERE status != 'closed'")
        found = {one: (status, packing.unpack(known, Tracked)) for one, status, known in rows}
        base.close()
        return found

    def statuses(self) -> dict[str, str]:
        return {identity: status for identity, (status, _) in self.known().items()}

    def row(self, of: str = "web1") -> view.HostRow:
        rows = view.hosts(self.folder, NOW, 3600, retired=True)
        return next(row for row in rows if row.id == of)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    folder = tmp_path / "collector"
    return Kept(Store(folder, Limits()), folder)


def looks(draw: st.DrawFn) -> list[Look]:
    """Draw what a role sees of one file, again and again."""
    made = []
    for _ in range(draw(st.integers(1, 8))):
        seen: list[Finding] = []
        waived = []
        for place, identity in enumerate(IDS):
            state = draw(st.sampled_from(("absent", "seen", "waived", "worse")))
            one = leak(identity) if place % 2 else fault(identity)
            if state == "worse":
                one = msgspec.structs.replace(one, message="worse than before")
            if state == "waived":
                waived.append(Suppressed(one, WAIVER))
            elif state != "absent":
                seen.append(one)
        made.append(Look(tuple(seen), tuple(waived), conclusive=draw(st.booleans())))
    return made


@st.composite
def histories(draw: st.DrawFn) -> list[Look]:
    return looks(draw)


def role_events(
    role: Ledger, history: Sequence[Look], *, retell: bool = False, digests: bool = True
) -> list[Event]:
    """Let a role live through a history; give all that it tells, digests between."""
    for at, look in enumerate(history, 1):
        role.observe("/etc/a", look, float(at))
        if digests:
            role.digest(at + 0.5, 0)
    if retell:
        role.retell(100.0)
        role.digest(101.0, 1)
    return ledger.told(role.waiting(10_000))


def shuffled_batches(events: list[Event], rng: random.Random) -> list[list[Event]]:
    """Give the events in batches, in order, with batches repeated and joined anew."""
    batches = []
    at = 0
    while at < len(events):
        size = rng.randint(1, 6)
        start = max(0, at - rng.randint(0, 4))  # repeats some of what was acknowledged
        batches.append(events[start : at + size])
        if rng.random() < 0.3:
            batches.append(list(batches[rng.randrange(len(batches))]))
        at += size
    return batches


def same_as_role(kept: Kept, role: Ledger, *, waived: bool = True) -> None:
    """Compare, but for times of which nobody is told. waived: what is suppressed too."""
    expected = {
        one.identity: (one.status.value, one.finding, one.first_seen, one.suppression)
        for one in role.everything()
        if waived or one.status is not Status.SUPPRESSED
    }
    found = {
        identity: (status, tracked.finding, tracked.first_seen, tracked.suppression)
        for identity, (status, tracked) in kept.known().items()
        if waived or status != "suppressed"
    }
    assert found == expected


@settings(max_examples=60)
@given(histories(), st.integers(), st.booleans())
def test_any_batches_with_repetitions_give_the_roles_own_state(
    history: list[Look],
    seed: int,
    retell: bool,  # noqa: FBT001 - hypothesis passes by place
) -> None:
    """Each event counts once, the state is the role's, and every digest was right."""
    with tempfile.TemporaryDirectory() as name:
        role = Ledger(f"{name}/role.sqlite", "watcher")
        events = role_events(role, history, retell=retell)
        kept = Kept(Store(Path(name, "c"), Limits()), Path(name, "c"))
        fresh = sum(kept.take(one)[1] for one in shuffled_batches(events, random.Random(seed)))
        assert fresh == len(events)
        same_as_role(kept, role)
        row = kept.row()
        assert (row.events, row.out_of_step, row.missing) == (len(events), 0, 0)
        role.close()
        kept.store.close()


@settings(max_examples=60)
@given(histories(), st.integers())
def test_any_order_gives_the_roles_own_state(history: list[Look], seed: int) -> None:
    """Of each finding the latest event holds, even if it comes first."""
    with tempfile.TemporaryDirectory() as name:
        role = Ledger(f"{name}/role.sqlite", "watcher")
        events = role_events(role, history, digests=False)
        kept = Kept(Store(Path(name, "c"), Limits()), Path(name, "c"))
        rng = random.Random(seed)
        mixed = events + rng.sample(events, len(events) // 2)
        rng.shuffle(mixed)
        assert sum(kept.take([one])[1] for one in mixed) == len(events)
        same_as_role(kept, role)
        assert not events or kept.row().missing == 0
        role.close()
        kept.store.close()


@settings(max_examples=60)
@given(histories(), st.integers(), st.floats(0.1, 0.9))
def test_whatever_was_lost_a_full_retelling_heals(
    history: list[Look], seed: int, lost: float
) -> None:
    """Events are lost at random; told once more, what is open or removed is the role's.

    A digest says nothing of what is suppressed: the end of that is not noticed.
    """
    with tempfile.TemporaryDirectory() as name:
        role = Ledger(f"{name}/role.sqlite", "watcher")
        events = role_events(role, history)
        told = len(events)
        role.retell(200.0)
        role.digest(201.0, 1)
        rng = random.Random(seed)
        again = ledger.told(role.waiting(10_000))[told:]
        kept = Kept(Store(Path(name, "c"), Limits()), Path(name, "c"))
        kept.take([*(one for one in events if rng.random() > lost), *again])
        same_as_role(kept, role, waived=False)
        assert kept.row().out_of_step == 0
        role.close()
        kept.store.close()


def test_a_lost_event_is_noticed_and_healed(kept: Kept) -> None:
    """The gap, then the wrong digest, then the right one after a full retelling."""
    role = Role()
    first, lost, last = role.opened(leak("a" * 32), leak("b" * 32), leak("c" * 32))
    kept.take([first])
    assert kept.row().out_of_step == 0
    kept.take([last], now=NOW + 1)
    row = kept.row()
    assert (row.out_of_step, row.why, row.missing) == (NOW + 1, "events are missing", 1)
    state = {one * 32: Status.OPEN for one in "abc"}
    kept.take([role.digest(state)], now=NOW + 2)
    row = kept.row()
    assert (row.out_of_step, row.why) == (NOW + 1, "the digest differs")
    again = role.opened(leak("a" * 32), leak("b" * 32), leak("c" * 32))
    kept.take([*again, role.digest(state)], now=NOW + 3)
    assert (kept.row().out_of_step, kept.row().missing) == (0, 0)
    assert kept.take([lost])[1] == 0, "healed numbers are not taken again"
    assert set(kept.statuses()) == {"a" * 32, "b" * 32, "c" * 32}


def test_a_lost_event_that_comes_late_is_taken_once(kept: Kept) -> None:
    """It fills its gap; the next right digest ends being out of step."""
    role = Role()
    first, late, last = role.opened(leak("a" * 32), leak("b" * 32), leak("c" * 32))
    kept.take([first, last])
    assert kept.take([late])[1] == 1
    assert kept.take([late])[1] == 0
    assert kept.row().missing == 0
    assert kept.row().out_of_step
    kept.take([role.digest({one * 32: Status.OPEN for one in "abc"})])
    assert not kept.row().out_of_step


def test_a_lost_end_is_ended_by_the_next_full_retelling(kept: Kept) -> None:
    """What was resolved without our knowing is closed when the rest was told and agrees."""
    role = Role()
    kept.take(role.opened(fault("a" * 32), fault("b" * 32)))
    role.about(Kind.RESOLVED, fault("b" * 32))  # never arrives
    kept.take([role.digest({"a" * 32: Status.OPEN})])
    assert kept.row().out_of_step
    assert kept.statuses() == {"a" * 32: "open", "b" * 32: "open"}
    kept.take([*role.opened(fault("a" * 32)), role.digest({"a" * 32: Status.OPEN})])
    assert kept.statuses() == {"a" * 32: "open"}
    assert not kept.row().out_of_step


def test_a_wrong_digest_closes_nothing(kept: Kept) -> None:
    """A digest that nothing here makes leaves everything as it is."""
    role = Role()
    kept.take(role.opened(fault("a" * 32), leak("b" * 32)))
    kept.take([role.digest({"c" * 32: Status.OPEN})])
    assert kept.statuses() == {"a" * 32: "open", "b" * 32: "open"}
    assert kept.row().why == "the digest differs"


def test_a_role_that_lost_its_state_takes_over_only_when_it_has_settled(kept: Kept) -> None:
    """A new stream's first digest closes nothing; one an hour later does, and leaks stay."""
    old, new = Role("a" * 32), Role("b" * 32)
    waived = old.about(Kind.SUPPRESSED, fault("e" * 32), suppression=WAIVER)
    kept.take([*old.opened(fault("a" * 32), leak("b" * 32), fault("c" * 32)), waived])
    kept.take([new.digest({})], now=NOW + 1)
    assert set(kept.statuses()) == {one * 32 for one in "abce"}
    kept.take([*new.opened(fault("c" * 32)), new.digest({"c" * 32: Status.OPEN})], now=NOW + 60)
    assert set(kept.statuses()) == {one * 32 for one in "abce"}
    kept.take([new.digest({"c" * 32: Status.OPEN})], now=NOW + 4000)
    assert kept.statuses() == {"b" * 32: "removed", "c" * 32: "open"}
    assert not kept.row().out_of_step
    kept.take([new.digest({"c" * 32: Status.OPEN})], now=NOW + 8000)
    assert kept.statuses() == {"b" * 32: "removed", "c" * 32: "open"}


def test_roles_and_hosts_do_not_mix(kept: Kept) -> None:
    """The same identity of two hosts, or of two roles, is two findings; a stream has one role."""
    watcher, prober = Role("a" * 32), Role("b" * 32, "prober")
    kept.take(watcher.opened(fault("a" * 32)))
    kept.take(prober.opened(fault("a" * 32)))
    kept.take(Role().opened(fault("a" * 32)), of=host("web2"))
    kept.take([prober.about(Kind.RESOLVED, fault("a" * 32))])
    assert (kept.row("web1").open, kept.row("web2").open) == (1, 1)
    with pytest.raises(StreamError):
        kept.take([watcher.event(Kind.HEALTH, role="prober")])


def test_a_batch_that_fails_leaves_nothing_and_others_stay(kept: Kept) -> None:
    """Of two batches in one transaction the good one is kept whole, the other not at all."""
    good, bad = Role("a" * 32), Role("b" * 32)
    mixed = [*bad.opened(fault("b" * 32)), bad.event(Kind.HEALTH, role="prober")]
    who = host("web1")
    with kept.store.together():
        speaks = Speaker(who.id, bound=False)
        batch = Batch(who, tuple(map(numbered, good.opened(fault("a" * 32)))), 0)
        kept.store.take(batch, speaks, NOW)
        with pytest.raises(StreamError):
            kept.store.take(Batch(who, tuple(map(numbered, mixed)), 0), speaks, NOW)
    assert kept.statuses() == {"a" * 32: "open"}
    assert (
        kept.take([bad.event(Kind.HEALTH, health=Health(component="watcher", state="up"))])[1] == 1
    )


@pytest.mark.parametrize("kind", [Kind.CHANGED, Kind.OPENED])
def test_a_change_of_what_is_waived_leaves_it_waived(kept: Kept, kind: Kind) -> None:
    """CHANGED with a suppression is still suppressed; OPENED is open again."""
    role = Role()
    kept.take([role.about(Kind.SUPPRESSED, fault("a" * 32), suppression=WAIVER)])
    why = WAIVER if kind is Kind.CHANGED else None
    kept.take([role.about(kind, fault("a" * 32), suppression=why)])
    expected = "suppressed" if kind is Kind.CHANGED else "open"
    assert kept.statuses() == {"a" * 32: expected}


def test_a_certificate_speaks_for_what_it_names(kept: Kept) -> None:
    """By id: any of its names; by first use: one host for ever, and one certificate a host."""
    assert speaker(("x", "web1"), host("web1"), Rule.ID) == ("x", False)
    with pytest.raises(StrangerError):
        speaker(("x", "web"), host("web1"), Rule.ID)
    with pytest.raises(StrangerError):
        speaker((), host("web1"), Rule.FIRST)

    def take(name: str, of: str) -> None:
        batch = Batch(host(of), (), 0)
        with kept.store.together():
            kept.store.take(batch, speaker((name,), host(of), Rule.FIRST), NOW)

    take("cert1", "web1")
    take("cert1", "web1")
    take("cert2", "web2")
    for name, of in (("cert1", "web2"), ("cert2", "web1"), ("cert1", "web3"), ("cert3", "web1")):
        with pytest.raises(StrangerError):
            take(name, of)


def test_a_host_that_has_too_many_findings_is_cut_and_told(tmp_path: Path) -> None:
    """What is over the limit is counted, what is closed makes room, others are not touched."""
    kept = Kept(Store(tmp_path / "c", Limits(findings=3)), tmp_path / "c")
    role = Role()
    many = [fault(f"{n:032x}") for n in range(5)]
    kept.take(role.opened(*many))
    assert (kept.row().open, kept.row().left_out) == (3, 2)
    kept.take([role.digest({one.identity: Status.OPEN for one in many})])
    assert kept.row().out_of_step, "it is not hidden"
    kept.take([role.about(Kind.RESOLVED, many[0]), *role.opened(many[4])])
    assert sorted(kept.statuses()) == [many[n].identity for n in (1, 2, 4)]
    kept.take(Role().opened(*many[:3]), of=host("web2"))
    assert kept.row("web2").open == 3


def test_what_is_too_long_is_cut(kept: Kept) -> None:
    """No text of a host fills the file."""
    role = Role()
    huge = msgspec.structs.replace(
        leak("a" * 32, "/" + "x" * 500_000), message="m" * 500_000, snippet="s" * 500_000
    )
    kept.take([role.about(Kind.OPENED, huge)])
    kept.take(
        [
            role.event(
                Kind.HEALTH,
                health=Health(component="c" * 9999, state="s" * 9999, detail="d" * 9999),
            )
        ]
    )
    gap = Gap(subject="s" * 9999, reason="r" * 9999, started=1)
    kept.take([role.event(Kind.GAP, gap=gap)])
    base = sqlite3.connect(kept.folder / schema.NAME)
    [[size]] = base.execute("SELECT max(length(known)) FROM findings")
    assert size < 20_000
    [[size]] = base.execute("SELECT max(length(subject) + length(reason)) FROM gaps")
    assert size <= 1000
    base.close()


def test_gaps_and_health_are_kept_as_they_are_now(kept: Kept) -> None:
    """A gap that ended is one gap; of a component the last word is known; both are bounded."""
    role = Role()
    began = Gap(subject="/srv", reason="queue overflow", started=100)
    ended = Gap(subject="/srv", reason="queue overflow", started=100, ended=200, closed_by="rescan")
    kept.take([role.event(Kind.GAP, gap=began), role.event(Kind.GAP, gap=ended)])
    for state in ("down", "up"):
        kept.take([role.event(Kind.HEALTH, health=Health(component="sink siem", state=state))])
    shown = view.view(kept.folder, NOW, 3600, 100)
    assert [(one.subject, one.ended, one.closed_by) for one in shown.gaps] == [
        ("/srv", 200, "rescan")
    ]
    assert [(one.component, one.state) for one in shown.health] == [("sink siem", "up")]
    for number in range(150):
        gap = Gap(subject="/srv", reason="r", started=1000 + number, ended=float(number % 2))
        health = Health(component=f"part {number}", state="up")
        kept.take([role.event(Kind.GAP, gap=gap), role.event(Kind.HEALTH, health=health)])
    shown = view.view(kept.folder, NOW, 3600, 1000)
    assert (len(shown.gaps), len(shown.health)) == (100, 100)
    assert sum(not one.ended for one in shown.gaps) == 75


def test_an_audit_log_that_was_rewritten_shows(kept: Kept) -> None:
    """The same entry told again is nothing; told otherwise it is a fault for ever."""
    role = Role()

    def told(sequence: int, sha256: str, act: str = "waiver added") -> Event:
        audit = Audit(chain="commands", sequence=sequence, sha256=sha256, at=NOW, act=act)
        return role.event(Kind.AUDIT, audit=audit)

    kept.take([told(1, "a" * 64), told(2, "b" * 64), told(2, "b" * 64, ""), told(1, "a" * 64, "")])
    shown = view.view(kept.folder, NOW, 3600, 100)
    assert [(one.sequence, one.sha256, one.fault) for one in shown.audits] == [(2, "b" * 64, "")]
    assert sorted(one.sequence for one in shown.acts) == [1, 2]
    kept.take([told(1, "c" * 64), told(3, "d" * 64)])
    shown = view.view(kept.folder, NOW, 3600, 100)
    assert [(one.sequence, one.fault) for one in shown.audits] == [
        (3, "entry 1 was another one before")
    ]
    assert {one.sha256 for one in shown.acts} == {"a" * 64, "b" * 64, "d" * 64}


def test_dropped_events_are_counted(kept: Kept) -> None:
    """What a host gave up is a number of the host, and a gap in its stream."""
    role = Role()
    kept.take([role.event(Kind.HEALTH, health=Health(component="watcher", state="up"))])
    role.last += 7
    dropped = Dropped(count=7, first=2, last=8, reason="nobody took them in time")
    kept.take([role.event(Kind.DROPPED, dropped=dropped)])
    row = kept.row()
    assert (row.dropped, row.missing, row.why) == (7, 7, "events are missing")


def test_a_retired_host_counts_nowhere_until_it_speaks(kept: Kept) -> None:
    """Retired, it is gone from all counts; heard again, it is back as it was."""
    role = Role()
    kept.take(role.opened(leak("a" * 32)))
    assert retiring.retire(kept.folder, ["web1", "nobody"], NOW) == ["nobody"]
    shown = view.view(kept.folder, NOW, 3600, 100)
    assert (shown.counts.hosts, shown.counts.open, shown.counts.retired) == (0, 0, 1)
    assert (shown.hosts, shown.images, shown.checks) == ((), (), ())
    kept.take([role.event(Kind.HEALTH, health=Health(component="watcher", state="up"))])
    shown = view.view(kept.folder, NOW, 3600, 100)
    assert (shown.counts.hosts, shown.counts.open, shown.counts.retired) == (1, 1, 0)


def test_what_is_over_for_long_is_deleted_bit_by_bit(tmp_path: Path) -> None:
    """Closed findings and retired hosts go after so many days; what is open stays."""
    kept = Kept(Store(tmp_path / "c", Limits(days=10)), tmp_path / "c")
    role, gone = Role(), Role()
    old = [fault(f"{n:032x}") for n in range(2500)]
    kept.take([role.about(Kind.RESOLVED, one) for one in old], now=NOW - 11 * 86400)
    kept.take(role.opened(leak("a" * 32)), now=NOW - 11 * 86400)
    kept.take([role.about(Kind.RESOLVED, fault("b" * 32))], now=NOW - 9 * 86400)
    kept.take(gone.opened(leak("a" * 32)), of=host("web2"), now=NOW - 12 * 86400)
    retiring.retire(kept.folder, ["web2"], NOW - 11 * 86400)
    turns = 1
    while kept.store.tidy(NOW):
        turns += 1
    assert turns > 1
    found = detail.findings(kept.folder, "web1", 10_000, closed=True)
    assert found
    assert {one.identity for one in found.findings} == {"a" * 32, "b" * 32}
    assert detail.findings(kept.folder, "web2", 10) is None
    base = schema.look(kept.folder)
    for table in schema.OF_HOST:
        assert base.execute(f"SELECT count(DISTINCT host) FROM {table}").fetchone()[0] <= 1
    base.close()


def test_a_full_file_refuses_and_loses_nothing(tmp_path: Path) -> None:
    """At its size limit a batch is refused whole; what was there is there, and can be read."""
    kept = Kept(Store(tmp_path / "c", Limits(mib=1)), tmp_path / "c")
    role = Role()
    taken = 0

    def fill() -> None:
        nonlocal taken
        for _ in range(1000):
            new = [leak(f"{role.last + n:032x}", "/" + "x" * 900) for n in range(20)]
            kept.take(role.opened(*new))
            taken += len(new)

    with pytest.raises(StoreError):
        fill()
    assert kept.row().open == taken > 0
    assert (tmp_path / "c" / schema.NAME).stat().st_size <= 1 << 20


def test_a_folder_of_others_or_another_version_is_not_used(tmp_path: Path) -> None:
    """A folder that others can write, a newer file and a file that is none are refused."""
    open_to_all = tmp_path / "all"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(StoreError):
        Store(open_to_all, Limits())
    with pytest.raises(StoreError):
        view.view(tmp_path / "nowhere", NOW, 1, 1)
    folder = tmp_path / "c"
    Store(folder, Limits()).close()
    assert (folder / schema.NAME).stat().st_mode & 0o077 == 0
    base = sqlite3.connect(folder / schema.NAME)
    base.execute("PRAGMA user_version=99")
    base.close()
    for act in (lambda: Store(folder, Limits()), lambda: view.view(folder, NOW, 1, 1)):
        with pytest.raises(StoreError):
            act()
    garbage = tmp_path / "g"
    garbage.mkdir(mode=0o700)
    (garbage / schema.NAME).write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError):
        Store(garbage, Limits())
