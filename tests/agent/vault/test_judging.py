"""What is wrong with a key is a finding: what fails now, and an end that comes near."""

from __future__ import annotations

import pytest

from agent.vault import advice, judging
from agent.vault.record import Record
from checks.model import Severity

NOW = 1_800_000_000.0
DAY = 86_400.0


def record(**more: object) -> Record:
    return Record(name="web", version="1", **more)  # type: ignore[arg-type]  # fields of a struct


def told(one: Record, now: float = NOW) -> list[str]:
    return [found.check for found in judging.findings(one, "127.0.0.1:443", now)]


@pytest.mark.parametrize(
    "one",
    [Record(name="web"), record(), record(begins=NOW - DAY, ends=NOW + DAY)],
    ids=["nothing yet", "without an end", "in its life"],
)
def test_a_key_that_is_well_has_no_finding(one: Record) -> None:
    """Also one of which nothing says when it ends."""
    assert told(one) == []


@pytest.mark.parametrize("fault", sorted(set(advice.CHECKS) - {advice.ENDING}))
def test_a_fault_is_a_finding(fault: str) -> None:
    """It names the key, where it is served, and why; what to do comes from its check."""
    [found] = judging.findings(record(fault=fault, why="no answer"), "127.0.0.1:443", NOW)
    assert (found.check, found.severity) == (fault, advice.CHECKS[fault].severity)
    assert (found.location.path, found.location.key_path) == ("127.0.0.1:443", "web")
    assert found.message == f"web: {advice.CHECKS[fault].message}: no answer"
    assert found.fix == advice.CHECKS[fault].fix


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (NOW + 84 * DAY, ""),
        (NOW + 86 * DAY, "ends 2027-04-25 08:00 UTC"),
        (NOW + 100 * DAY, "ended 2027-04-25 08:00 UTC"),
        (NOW + 900 * DAY, "ended 2027-04-25 08:00 UTC"),
    ],
)
def test_an_end_without_a_successor_is_told_before_it_comes(now: float, said: str) -> None:
    """In the last 15 hundredths of its life, and as long as it stays."""
    found = list(judging.findings(record(begins=NOW, ends=NOW + 100 * DAY), "key web", now))
    assert [one.message for one in found] == (
        [f"web: {advice.CHECKS[advice.ENDING].message}: {said}"] if said else []
    )
    assert all(one.severity is Severity.CRITICAL for one in found)


def test_both_can_be_wrong() -> None:
    """Why it is not renewed, and that it ends, are two findings."""
    one = record(fault=advice.AWAY, why="sealed", begins=NOW - 9 * DAY, ends=NOW + DAY)
    assert told(one) == [advice.AWAY, advice.ENDING]


def test_a_finding_is_the_same_one_whatever_its_words() -> None:
    """So that another reason, or another day, does not open it anew; another key is another."""
    some = [
        next(judging.findings(one, "key web", NOW))
        for one in (
            record(fault=advice.AWAY, why="sealed"),
            record(fault=advice.AWAY, why="no answer", failures=7),
            record(fault=advice.UNFIT, why="sealed"),
            Record(name="mail", fault=advice.AWAY, why="sealed"),
        )
    ]
    assert [one.identity == some[0].identity for one in some] == [True, True, False, False]


def test_what_is_said_is_one_bounded_line() -> None:
    """Whatever stands in a certificate's name or a path."""
    why = "\x1b[31m\n\u202e" + "x" * 10_000
    [found] = judging.findings(record(fault=advice.UNFIT, why=why), "key web", NOW)
    assert len(found.message) < 600
    assert found.message.isprintable()
