"""Replay what the fuzzer once found, and each target on a few inputs that grow."""

from __future__ import annotations

import random
import runpy
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.bin"))
TARGETS = sorted("archives formats hashes inspect keys policy rules text tls tls12 values".split())


@pytest.fixture(scope="module")
def targets() -> dict[str, Any]:
    return runpy.run_path(str(HERE / "targets.py"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_kept_case_is_answered_in_time(case: Path, targets: dict[str, Any]) -> None:
    """What once broke a target does not break it again, and takes no longer than it may."""
    target = case.stem.partition("-")[0]
    targets["run"](target, b"\0\0")  # what is loaded once is not the case's time
    started = time.process_time()
    targets["run"](target, case.read_bytes())
    assert time.process_time() - started < targets["SECONDS"]


def test_a_case_that_is_made_anew_is_answered(targets: dict[str, Any]) -> None:
    """What a library refuses in its own way is answered in ours, and what is long in time."""
    made = list(runpy.run_path(str(HERE / "made.py"))["cases"]())
    assert made
    for target, data in made:
        started = time.process_time()
        targets["run"](target, data)
        assert time.process_time() - started < targets["SECONDS"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_lets_no_foreign_error_out(target: str, targets: dict[str, Any]) -> None:
    """Random and repeated inputs raise nothing but the program's own errors."""
    rng = random.Random(target)
    for _ in range(40):
        data = rng.randbytes(rng.randrange(2, 200))
        started = time.process_time()
        targets["run"](target, targets["amplified"](data))
        assert time.process_time() - started < targets["SECONDS"]


def test_every_target_is_replayed(targets: dict[str, Any]) -> None:
    """The list of targets here is the list that can be fuzzed."""
    assert sorted(targets["TARGETS"]) == TARGETS
    assert {case.stem.partition("-")[0] for case in CASES} <= set(TARGETS)
