"""The deep tier adds to what was seen, says why where it cannot, and never runs wild."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from agent import deeptier
from agent.deeptier import DeepTier
from checks.tls import deepenv
from checks.tls.facts import EndpointFacts, Target
from checks.tls.numbers import Version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from checks.tls.deepenv import Interpreter

FACTS = EndpointFacts(target=Target("127.0.0.1", 1), versions={Version.TLS12: True})
ANSWER = {
    "heartbleed": True,
    "early_ccs": False,
    "robot": "NOT_VULNERABLE_NO_ORACLE",
    "compression": False,
    "secure_renegotiation": True,
    "client_renegotiation": False,
    "agreed": {f"{one}": [] for one in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_3")},
}


@pytest.fixture
def child(tmp_path: Path) -> Callable[[str], Interpreter]:
    """Write a program that stands for the interpreter of sslyze's environment."""

    def write(script: str) -> Interpreter:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return deepenv.believed(str(path))

    return write


def test_what_it_sees_comes_to_the_facts(child: Callable[[str], Interpreter]) -> None:
    """A weakness is added; what speaks no TLS is left as it is."""
    tier = DeepTier(child(f"cat >&2; echo '{json.dumps(ANSWER)}'"))
    assert FACTS.heartbleed is None
    assert tier.examined(FACTS).heartbleed is True
    silent = EndpointFacts(target=FACTS.target, versions={Version.TLS12: False})
    assert tier.examined(silent) is silent
    assert tier.unseen == ()


def test_a_look_that_fails_is_a_reason(child: Callable[[str], Interpreter]) -> None:
    """What sslyze could not do is told of the endpoint, beside what our own look saw."""
    found = DeepTier(child("exit 9")).examined(FACTS)
    assert found.versions == FACTS.versions
    assert found.unseen == ("sslyze: ended with status 9",)
    mysql = EndpointFacts(
        target=Target("127.0.0.1", 1, starttls="mysql"), versions={Version.TLS12: True}
    )
    assert DeepTier(child("exit 9")).examined(mysql).unseen == (
        "sslyze: cannot begin TLS in mysql",
    )


def test_an_endpoint_has_so_many_seconds(child: Callable[[str], Interpreter]) -> None:
    """The deadline of the policy is that of the child."""
    found = DeepTier(child("sleep 60"), 1).examined(FACTS)
    assert found.unseen == ("sslyze: timed out after 1 s",)


def test_at_most_two_run_at_once(child: Callable[[str], Interpreter], tmp_path: Path) -> None:
    """However many threads ask."""
    log = tmp_path / "log"
    tier = DeepTier(child(f"echo + >> {log}; sleep 0.3; echo - >> {log}; exit 9"))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(tier.examined, [FACTS] * 6))
    signs = log.read_text(encoding="utf-8").split()
    running = [signs[:at].count("+") - signs[:at].count("-") for at in range(len(signs) + 1)]
    assert signs.count("+") == 6
    assert max(running) == 2


def test_without_an_environment_the_run_says_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is examined, and that is told once, with the next step."""
    monkeypatch.delenv("HYGIENE_AGENT_DEEP", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    tier = deeptier.prepared(60)
    assert tier.examined(FACTS) is FACTS
    [why] = tier.unseen
    place = f"{tmp_path}/deep"
    assert why.reason == f"sslyze: no environment at {place}/bin/python"
    assert why.detail.startswith(f"hint: python3 -m venv {place}; ")


def test_the_variable_names_another_one(
    monkeypatch: pytest.MonkeyPatch, child: Callable[[str], Interpreter]
) -> None:
    """It is used where it is sound, and where it is not there the hint names the variable."""
    sound = child("exit 9")
    monkeypatch.setenv("HYGIENE_AGENT_DEEP", sound.path)
    assert deeptier.prepared(60).examined(FACTS).unseen == ("sslyze: ended with status 9",)
    monkeypatch.setenv("HYGIENE_AGENT_DEEP", "/nonexistent/python")
    assert "hint: HYGIENE_AGENT_DEEP has to name" in deeptier.prepared(60).unseen[0].detail


def test_one_that_others_can_change_is_not_run(
    monkeypatch: pytest.MonkeyPatch, child: Callable[[str], Interpreter], tmp_path: Path
) -> None:
    """The file is named and nothing is started."""
    note = tmp_path / "started"
    path = child(f"touch {note}").path
    monkeypatch.setenv("HYGIENE_AGENT_DEEP", path)
    (tmp_path / "python").chmod(0o777)
    tier = deeptier.prepared(60)
    assert tier.examined(FACTS) is FACTS
    assert tier.unseen[0].reason == f"sslyze: others can change {path}"
    assert not note.exists()
