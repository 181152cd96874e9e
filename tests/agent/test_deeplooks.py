"""What an attempt showed stands until the next one; attempts are few, and may come to nothing."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from agent.deeplooks import DeepLooks
from checks.policy import TlsPolicy
from checks.tls.facts import EndpointFacts, Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.deeplooks import Trial

ON, OFF = TlsPolicy(deep=True, deep_seconds=30), TlsPolicy()
FACTS = EndpointFacts(target=Target("127.0.0.1", 1), versions={Version.TLS12: True})
UNTOLD = {"robot": None, "heartbleed": None, "early_ccs": None}


@pytest.fixture
def says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a program in the place of sslyze's Python, which answers or fails."""
    path = tmp_path / "python"
    monkeypatch.setenv("HYGIENE_AGENT_DEEP", str(path))

    def write(**answer: Any) -> None:  # noqa: ANN401 - what sslyze may say
        told = json.dumps({**UNTOLD, **answer})
        end = f"echo '{told}'" if answer else "exit 9"
        path.write_text(f"#!/bin/sh\ncat >&2; {end}\n", encoding="utf-8")
        path.chmod(0o755)

    return write


@pytest.fixture
def base(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)
    yield made
    made.close()


def looks(base: sqlite3.Connection, tls: TlsPolicy = ON) -> DeepLooks:
    made = DeepLooks(base, lambda: False)
    assert made.plan(tls) == ""
    return made


def look(deep: DeepLooks, *, deeply: bool, now: float = 100.0) -> tuple[EndpointFacts, Trial]:
    trial = deep.trial("a", deeply=deeply)
    facts = trial.examined(FACTS)
    deep.take("a", trial, now)
    return facts, trial


def test_what_was_seen_stands_until_the_next_attempt(
    base: sqlite3.Connection, says: Callable[..., None]
) -> None:
    """In looks between, after a restart, and where the next attempt fails or leaves it open."""
    says(heartbleed=True, robot="NOT_VULNERABLE_NO_ORACLE")
    deep = looks(base)
    assert look(deep, deeply=False)[0] == FACTS
    assert look(deep, deeply=True)[0].heartbleed is True
    assert look(looks(base), deeply=False)[0].heartbleed is True
    deep = looks(base)
    says()
    facts, trial = look(deep, deeply=True)
    assert (facts.heartbleed, facts.robot) == (True, "none")
    assert trial.why == "sslyze: ended with status 9"
    says(early_ccs=False)
    facts, trial = look(deep, deeply=True)
    assert (facts.heartbleed, facts.early_ccs, trial.why) == (True, False, "")
    says(heartbleed=False)
    assert look(deep, deeply=True)[0].heartbleed is False
    assert (deep.tried, deep.failed) == (3, 1)


def test_our_own_look_is_not_changed_by_sslyzes(
    base: sqlite3.Connection, says: Callable[..., None]
) -> None:
    """Only what nothing but an attempt shows is taken: the rest is seen anew every day."""
    says(compression=True, client_renegotiation=True, agreed={"tls_1_0": ["TLS_RSA_X"]})
    facts, trial = look(looks(base), deeply=True)
    assert facts == FACTS
    assert trial.why == "sslyze: could not tell"


def test_who_speaks_no_tls_is_not_tried(
    base: sqlite3.Connection, says: Callable[..., None]
) -> None:
    """And counts as one that never was."""
    says(heartbleed=True)
    deep = looks(base)
    trial = deep.trial("a", deeply=True)
    silent = EndpointFacts(target=FACTS.target, versions={})
    assert trial.examined(silent).heartbleed is None
    deep.take("a", trial, 100.0)
    assert deep.wanted({"a": FACTS.target}, 200.0) == {"a": None}


def test_one_endpoint_of_each_listener_is_wanted(
    base: sqlite3.Connection, says: Callable[..., None]
) -> None:
    """The one that is asked by no name, where there is one; with the seconds since it was tried."""
    says(heartbleed=False)
    deep = looks(base)
    named = {
        "b": Target("127.0.0.1", 1, "b.example"),
        "a": FACTS.target,
        "c": Target("127.0.0.1", 2, "c.example"),
        "d": Target("127.0.0.1", 2, "d.example"),
    }
    assert deep.wanted(named, 100.0) == {"a": None, "c": None}
    look(deep, deeply=True)
    assert deep.wanted(named, 160.0) == {"a": 60.0, "c": None}
    deep.forget("a")
    assert looks(base).wanted(named, 160.0) == {"a": None, "c": None}


def test_a_policy_that_does_not_want_attempts_any_more_ends_what_they_showed(
    base: sqlite3.Connection, says: Callable[..., None]
) -> None:
    """Nothing is tried and nothing is recalled."""
    says(heartbleed=True)
    deep = looks(base)
    look(deep, deeply=True)
    assert deep.plan(OFF) == ""
    assert look(deep, deeply=True)[0] == FACTS
    assert deep.wanted({"a": FACTS.target}, 100.0) == {}
    assert look(looks(base), deeply=False)[0] == FACTS


def test_an_environment_that_cannot_be_believed_is_named(
    base: sqlite3.Connection, says: Callable[..., None], tmp_path: Path
) -> None:
    """Nothing is run then: neither what was never there nor what others came to write."""
    deep = DeepLooks(base, lambda: False)
    assert deep.plan(ON) == f"sslyze: no environment at {tmp_path}/python"
    assert deep.wanted({"a": FACTS.target}, 100.0) == {}
    says(heartbleed=True)
    assert deep.plan(ON) == ""
    (tmp_path / "python").chmod(0o777)
    assert look(deep, deeply=True)[1].why == f"sslyze: others can change {tmp_path}/python"
