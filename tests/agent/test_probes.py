"""When endpoints were looked at is known over a restart, unless they would be judged otherwise."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from agent.probes import Probe, Probes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def base(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(tmp_path / "base", isolation_level=None)) as base:
        base.execute("CREATE TABLE meta (name TEXT PRIMARY KEY, value)")
        yield base


def test_the_last_look_is_known_until_it_is_forgotten(base: sqlite3.Connection) -> None:
    """Also after a restart; of others nothing is known."""
    probes = Probes(base)
    probes.take("one", Probe("a", 100.0))
    probes.take("one", Probe("b", 200.0))
    probes.take("two", Probe("c", 300.0))
    again = Probes(base)
    assert again.last("one") == Probe("b", 200.0)
    assert again.last("three") is None
    again.forget("one")
    assert again.last("one") is None
    assert again.looked() == ["two"]


def test_who_would_be_judged_otherwise_is_not_told_by_the_look_before(
    base: sqlite3.Connection,
) -> None:
    """The endpoint itself stays known, so that its end is seen; by the same basis all stays."""
    probes = Probes(base)
    probes.judge_by("first")
    probes.take("one", Probe("a", 100.0))
    probes.judge_by("first")
    assert probes.last("one") == Probe("a", 100.0)
    probes.judge_by("second")
    assert probes.last("one") is None
    assert probes.looked() == ["one"]
