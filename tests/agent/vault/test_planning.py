"""How a key stands after a look, and when the next one is, are the same for the same look."""

from __future__ import annotations

import math

import msgspec
import pytest

from agent.vault import advice
from agent.vault.got import Got
from agent.vault.material import Values
from agent.vault.planning import Failure, Plan
from agent.vault.record import Record, State

NOW = 1_800_000_000.0
POLLED, LEASED = Plan("host", "web", 60.0), Plan("host", "web", math.inf)
TROUBLED = Record(
    name="web", state=State.KEPT, version="1", failures=2, fault=advice.AWAY, why="no answer"
)


def got(ends: float = math.inf) -> Got:
    return Got(Values({"value": "x"}), "2", NOW, ends)


@pytest.mark.parametrize(
    ("plan", "ends", "soonest", "latest"),
    [
        (POLLED, math.inf, NOW, NOW + 60),
        (POLLED, NOW + 3600, NOW, NOW + 60),
        (LEASED, NOW + 3600, NOW + 2160, NOW + 2400),
        (LEASED, math.inf, math.inf, math.inf),
    ],
)
def test_the_next_look_is_by_interval_or_by_life(
    plan: Plan, ends: float, soonest: float, latest: float
) -> None:
    """What has neither is never looked at again by itself; no end is kept as 0."""
    record = plan.served("source", got(ends), NOW, proven=False)
    assert soonest <= record.due <= latest
    assert record.ends == (0 if ends == math.inf else ends)
    assert plan.longer(TROUBLED, got(ends), NOW).due == record.due


def test_what_is_served_says_whether_it_was_proven() -> None:
    """Values have no certificate to name."""
    one, other = (POLLED.served("source", got(), NOW, proven=proven) for proven in (True, False))
    assert (one.proven, other.proven) == (NOW, 0)
    assert msgspec.structs.replace(one, proven=0) == other
    assert (one.state, one.source, one.version, one.sha256) == (State.SERVED, "source", "2", "")


def test_a_look_that_goes_well_ends_the_trouble() -> None:
    """What was kept is served again; what never was is not by that there is nothing newer."""
    for record in (POLLED.unchanged(TROUBLED, NOW), POLLED.longer(TROUBLED, got(), NOW)):
        assert (record.state, record.failures, record.fault, record.why) == (
            State.SERVED,
            0,
            "",
            "",
        )
        assert record.version == "1"
    failed = msgspec.structs.replace(TROUBLED, state=State.FAILED)
    assert POLLED.unchanged(failed, NOW).state is State.FAILED


@pytest.mark.parametrize(("held", "state"), [(True, State.KEPT), (False, State.FAILED)])
def test_a_failure_is_counted_where_somebody_was_asked(*, held: bool, state: State) -> None:
    """Who did not ask waits as Vault said, and counts nothing more."""
    asked = POLLED.failed(TROUBLED, Failure(advice.UNFIT, "no key"), NOW, held=held)
    assert (asked.state, asked.failures) == (state, 3)
    assert (asked.fault, asked.why) == (advice.UNFIT, "no key")
    assert asked.due > NOW
    waiting = Failure(advice.AWAY, "later", after=100.0, asked=False)
    spared = POLLED.failed(TROUBLED, waiting, NOW, held=held)
    assert spared.failures == 2
    assert NOW + 100 < spared.due <= NOW + 102
    first = POLLED.failed(Record(name="web"), waiting, NOW, held=held)
    assert first.failures == 1


def test_waits_are_short_beside_what_is_left_of_a_life() -> None:
    """After many failures a key that ends soon is asked for sooner than one that does not."""
    many = msgspec.structs.replace(TROUBLED, failures=20)
    soon = msgspec.structs.replace(many, ends=NOW + 200)
    what = Failure(advice.AWAY, "no answer")
    assert LEASED.failed(soon, what, NOW, held=True).due <= NOW + 50
    assert LEASED.failed(many, what, NOW, held=True).due >= NOW + 300
