"""Findings over time: what opens, changes, is removed, is resolved; what a blind look leaves."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.events import Kind
from agent.findings import Look, Status, Tracked, digest, observe, rotated
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

WAIVER = Suppression("waiver", "team", "moving", "2027-01-31")


def fault(identity: str, *, line: int = 3, severity: Severity = Severity.HIGH) -> Finding:
    """Give a finding that is no leak: a file's mode, a protocol."""
    where = Location("/etc/a.key", line)
    return Finding("key-permissions", severity, Confidence.HIGH, where, "m", "f", identity=identity)


def leak(identity: str, *, keys: tuple[str, ...] = ("k1",), line: int = 3) -> Finding:
    """Give a finding of a value, with its fingerprint under each key."""
    prints = tuple(Fingerprint(key, f"{key}-of-one-value") for key in keys)
    return Finding(
        "embedded-password",
        Severity.HIGH,
        Confidence.HIGH,
        Location("/etc/a.yml", line, key_path="db.password"),
        "m",
        "f",
        evidence=Evidence("••••••••", 12, prints),
        identity=identity,
    )


class Known:
    """What is known of one subject, as a role keeps it; `told` are the kinds of all changes."""

    def __init__(self) -> None:
        self.tracked: dict[str, Tracked] = {}

    def after(self, look: Look, now: float) -> list[tuple[str, Kind]]:
        changes = observe(self.tracked, look, now)
        for change in changes:
            self.tracked.pop(change.identity, None)
            if change.known is not None:
                self.tracked[change.identity] = change.known
        return [(change.identity, change.kind) for change in changes if change.kind]

    @property
    def stands(self) -> dict[str, str]:
        return {identity: one.status.value for identity, one in self.tracked.items()}


def test_a_fault_opens_once_and_resolves_when_it_is_gone() -> None:
    """It is told when it comes and when it goes, not at the looks between."""
    known = Known()
    assert known.after(Look((fault("a"),)), 100) == [("a", Kind.OPENED)]
    assert known.after(Look((fault("a"),)), 200) == []
    assert known.tracked["a"].first_seen == 100
    assert known.after(Look(), 300) == [("a", Kind.RESOLVED)]
    assert known.tracked == {}


def test_a_look_that_settles_nothing_closes_nothing() -> None:
    """A file that could not be read keeps its findings; what was seen of it still counts."""
    known = Known()
    known.after(Look((fault("a"),)), 100)
    assert known.after(Look(conclusive=False), 200) == []
    assert known.after(Look((fault("b"),), conclusive=False), 200) == [("b", Kind.OPENED)]
    assert known.stands == {"a": "open", "b": "open"}


def test_a_leaked_value_that_is_gone_is_removed_not_resolved() -> None:
    """It stays a leak until it was changed at its service, and opens again if it comes back."""
    known = Known()
    known.after(Look((leak("a"),)), 100)
    assert known.after(Look(), 200) == [("a", Kind.REMOVED)]
    assert known.after(Look(), 300) == []
    assert known.stands == {"a": "removed"}
    assert known.after(Look((leak("a"),)), 400) == [("a", Kind.OPENED)]
    assert known.tracked["a"].first_seen == 100
    change = rotated(known.tracked["a"])
    assert (change.kind, change.known) == (Kind.RESOLVED, None)


@pytest.mark.parametrize(
    "after",
    [leak("a", line=9), msgspec.structs.replace(leak("a"), severity=Severity.LOW)],
    ids=["line", "severity"],
)
def test_the_same_finding_seen_otherwise_is_a_change(after: Finding) -> None:
    """A moved line and another severity are told as changes of the one finding."""
    known = Known()
    known.after(Look((leak("a"),)), 100)
    assert known.after(Look((after,)), 200) == [("a", Kind.CHANGED)]
    assert known.after(Look((after,)), 300) == []


def test_a_suppressed_finding_is_told_once_and_opens_when_its_waiver_ends() -> None:
    """Suppressing and its end are events; so is another reason."""
    known = Known()
    waived = Suppressed(fault("a"), WAIVER)
    known.after(Look((fault("a"),)), 100)
    assert known.after(Look(suppressed=(waived,)), 200) == [("a", Kind.SUPPRESSED)]
    assert known.after(Look(suppressed=(waived,)), 300) == []
    other = Suppressed(fault("a"), msgspec.structs.replace(WAIVER, owner="other"))
    assert known.after(Look(suppressed=(other,)), 400) == [("a", Kind.SUPPRESSED)]
    assert known.after(Look((fault("a"),)), 500) == [("a", Kind.OPENED)]
    assert known.tracked["a"].first_seen == 100


def test_nothing_opens_or_closes_while_the_fingerprint_key_changes() -> None:
    """Under old, both and new key the value is one finding, whose first sight is kept."""
    known = Known()
    known.after(Look((leak("under-k1"),)), 100)
    assert known.after(Look((leak("under-k2", keys=("k2", "k1")),)), 200) == []
    assert known.after(Look((leak("under-k2", keys=("k2",)),)), 300) == []
    assert known.stands == {"under-k1": "open"}
    assert known.tracked["under-k1"].first_seen == 100
    assert known.after(Look(), 400) == [("under-k1", Kind.REMOVED)]


def test_another_value_at_the_same_place_is_another_finding() -> None:
    """Control: without a common fingerprint the old value is removed and the new one opens."""
    known = Known()
    known.after(Look((leak("a"),)), 100)
    told = known.after(Look((leak("b", keys=("k9",)),)), 200)
    assert sorted(told) == [("a", Kind.REMOVED), ("b", Kind.OPENED)]


def test_last_seen_is_written_now_and_then() -> None:
    """Each look is not worth a write; one an hour is."""
    known = Known()
    known.after(Look((fault("a"),)), 100)
    assert observe(known.tracked, Look((fault("a"),)), 3000) == []
    [change] = observe(known.tracked, Look((fault("a"),)), 3700)
    assert change.kind is None
    assert change.known is not None
    assert change.known.last_seen == 3700


looks = st.lists(
    st.tuples(
        st.lists(st.sampled_from([fault("a"), fault("b"), leak("c"), leak("d", keys=("k4",))])),
        st.booleans(),
    ),
    max_size=8,
)


@given(looks)
def test_events_alone_rebuild_what_is_open(steps: list[tuple[list[Finding], bool]]) -> None:
    """Whoever applies the events in order has the same open and removed findings as the role."""
    known, mirror = Known(), {}
    for now, (findings, conclusive) in enumerate(steps):
        seen = {one.identity: one for one in findings}
        for identity, kind in known.after(Look(tuple(seen.values()), (), conclusive), now):
            if kind is Kind.RESOLVED:
                del mirror[identity]
            else:
                mirror[identity] = "removed" if kind is Kind.REMOVED else "open"
        assert known.stands == mirror
        if conclusive:
            assert {i for i, status in mirror.items() if status == "open"} == set(seen)


def test_the_digest_knows_no_order_and_every_status() -> None:
    """Two sides with the same findings agree, whichever way they list them."""
    one = [("a", Status.OPEN), ("b", Status.REMOVED)]
    assert digest(one) == digest(reversed(one))
    assert digest(one) != digest([("a", Status.OPEN), ("b", Status.OPEN)])
    assert digest(one) != digest(one[:1])


def test_a_clock_that_goes_back_puts_no_end_before_its_beginning() -> None:
    """A finding was last seen at its first sight at the earliest."""
    known = Known()
    known.after(Look((fault("a"),)), 200_000)
    known.after(Look((fault("a", line=9),)), 100_000)
    assert known.tracked["a"].last_seen == known.tracked["a"].first_seen == 200_000
    known.after(Look((fault("a", line=9),)), 300_000)
    assert known.tracked["a"].last_seen == 300_000
