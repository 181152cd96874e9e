"""A scan is summed up in counts and hashes; nothing of what was found or where is repeated."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple, cast

import msgspec
import pytest

from agent import rulecache, setup
from agent.attest import predicates
from agent.imagetarget import Target
from agent.report import Report
from checks.images.choosing import Wanted
from checks.model import (
    Confidence,
    Finding,
    Inconclusive,
    Location,
    Severity,
    Suppressed,
    Suppression,
)
from checks.policy import Policy
from checks.scanned import Orders

if TYPE_CHECKING:
    from pathlib import Path

    from agent.scanning import Job
    from checks.secrets.engine import Engine

TARGET = Target("app.tar", Wanted(), "base.tar", ignore_base=True)


class _Job(NamedTuple):
    """Of a job what is asked for here."""

    engine: Engine
    image: Target | None = None
    root: str = ""
    editions: tuple[tuple[str, int], ...] = (("base", 3),)
    orders: Orders = Orders(Policy(name="team"), ())


@pytest.fixture(scope="module")
def engine(state: Path) -> Engine:
    return rulecache.load(setup.rule_texts(()), state).engine


def _finding(severity: Severity, path: str) -> Finding:
    return Finding("weak-password", severity, Confidence.HIGH, Location(path), path, "")


def _made(job: _Job, threshold: Severity = Severity.MEDIUM, **told: object) -> predicates.Predicate:
    report = Report(version="1", started="2026-11-01T12:00:00+00:00", seconds=1.0, roots=("x",))
    return predicates.made(cast("Job", job), msgspec.structs.replace(report, **told), threshold)


def test_what_came_of_it_is_counted(engine: Engine) -> None:
    """By severity, by kind and by reason; no path and no message is in it."""
    secret = secrets.token_hex(8)
    low, high = _finding(Severity.LOW, secret), _finding(Severity.HIGH, secret)
    unseen = (Inconclusive(secret, "too deep", secret), Inconclusive(secret, "too deep"))
    apart = (Suppressed(high, Suppression("waiver", secret, secret)),)
    told = {"findings": (low, low), "suppressed": apart, "inconclusive": unseen}
    made = _made(_Job(engine, TARGET), **told)
    assert (made.scanned, made.verdict.result, made.verdict.only_new) == (
        "image",
        "incomplete",
        True,
    )
    assert made.findings == {"critical": 0, "high": 0, "medium": 0, "low": 2, "info": 0}
    assert made.suppressed == {"waiver": 1}
    assert made.coverage.not_looked_at == {"too deep": 2}
    assert made.policy.editions == {"base": 3}
    assert secret not in msgspec.json.encode(made).decode()


def test_the_gate_is_that_of_the_exit_status(engine: Engine) -> None:
    """A finding at the threshold fails it, one below does not."""
    findings = (_finding(Severity.MEDIUM, "a"),)
    job = _Job(engine, root="rootfs")
    assert _made(job, Severity.MEDIUM, findings=findings).verdict.result == "failed"
    passed = _made(job, Severity.HIGH, findings=findings)
    assert (passed.verdict.result, passed.verdict.fail_on, passed.scanned) == (
        "passed",
        "high",
        "root",
    )


def test_hostile_reasons_are_bounded(engine: Engine) -> None:
    """Very many different ones become one, and none moves a terminal."""
    unseen = tuple(Inconclusive("a", f"\x1b{number}" * 300) for number in range(500))
    counted = _made(_Job(engine), inconclusive=unseen).coverage.not_looked_at
    assert len(counted) == 101
    assert sum(counted.values()) == 500
    assert counted["other reasons"] == 400
    assert all(reason.isprintable() and len(reason) < 1000 for reason in counted)


def test_other_rules_and_policies_are_told_apart(engine: Engine, state: Path) -> None:
    """By hashes that stay the same from run to run."""
    one, same = _made(_Job(engine)).policy, _made(_Job(engine)).policy
    strict = _made(_Job(engine, orders=Orders(Policy(name="team", fail_on="low"), ()))).policy
    fewer = rulecache.load(setup.rule_texts(())[:-1], state).engine
    assert one == same
    assert strict.sha256 != one.sha256
    assert _made(_Job(fewer)).policy.rules != one.rules
