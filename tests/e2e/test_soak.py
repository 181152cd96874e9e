"""Everything goes wrong at random, each kind at least once: nothing is lost, and nothing twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.agent.sinks import rsyslogd
from tests.bench.soaking.faults import FAULTS
from tests.bench.soaking.verdict import Seen, judge
from tests.e2e.machine import refusal

STREAM, OTHER = "a" * 32, "b" * 32
WELL = Seen(
    truth=frozenset({"/w/a", "/w/b"}),
    open=frozenset({"/w/a", "/w/b"}),
    made={STREAM: 2},
    arrived={STREAM: 2},
    taken=2,
    repeated=1,
    lost=0,
    apart=0,
    ids=frozenset({f"{STREAM}-1", f"{STREAM}-2"}),
    hours=24,
    syslog=1,
    unexpected=0,
    tracebacks=0,
)


def test_a_small_soak(tmp_path: Path) -> None:
    """Kills, full and read-only disks, jumps of the clock, receivers that are away or silent."""
    if why := refusal():
        pytest.skip(why)
    if not rsyslogd.is_there():
        pytest.skip("rsyslogd with gnutls is not installed")
    words = ("--kills", "4", "--seed", "1", "--work", str(tmp_path), "--patience", "120")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.soak", *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    begun = re.findall(r"^ +\d+ (.+)$", done.stdout, re.MULTILINE)
    assert begun == sorted(fault.name for fault in FAULTS)
    told = re.findall(
        r"^(\d+) secrets in files, (\d+) events.* over (\d+) hours", done.stdout, re.MULTILINE
    )
    secrets, events, hours = map(int, told[-1])
    assert secrets > 100
    assert events > secrets
    assert hours > 20, "the clock did not jump"


def test_all_is_well() -> None:
    """Control: of what follows nothing is so."""
    assert judge(WELL) == []


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"open": {"/w/a"}}, "missed: /w/b"),
        ({"truth": {"/w/a"}}, "left over: /w/b"),
        ({"arrived": {STREAM: 1}, "taken": 1}, "streams of which not all arrived: 1"),
        ({"arrived": {STREAM: 2, OTHER: 1}, "taken": 3}, "streams that roles began anew: 1"),
        ({"taken": 3}, "3 events counted of 2 there are"),
        ({"taken": 1}, "1 events counted of 2 there are"),
        ({"lost": 1}, "lost on the way: 1"),
        ({"apart": 1}, "streams out of step: 1"),
        ({"ids": {f"{STREAM}-2"}}, "events that the peer does not have: 1"),
        ({"syslog": 0}, "rsyslogd has nothing"),
        ({"unexpected": 1}, "processes that ended by themselves: 1"),
        ({"tracebacks": 1}, "tracebacks in logs: 1"),
    ],
)
def test_a_loss_is_noticed(changed: dict[str, Any], told: str) -> None:
    """Whatever is wrong in the end is said."""
    assert judge(WELL._replace(**changed)) == [told]
