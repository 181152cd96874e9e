"""`hygiene-agent tls --deep` as people run it: sslyze's findings under our own checks."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.conftest import Hygiene

_TLS = Path(__file__).parent.parent / "checks" / "tls"
_SERVING = runpy.run_path(str(_TLS / "serving.py"))
made, s_server = _SERVING["made"], _SERVING["s_server"]
_VULNERABLE = runpy.run_path(str(_TLS / "vulnerable.py"))


def report(hygiene: Hygiene, *words: str, **environment: str) -> dict[str, Any]:
    done = hygiene("tls", *words, "--format", "json", env=environment)
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told | {"status": done.returncode}


@pytest.mark.parametrize("bad", ["heartbleed", "sound"])
def test_an_attack_that_works_is_a_finding(
    bad: str, hygiene: Hygiene, s_server: Callable[..., AbstractContextManager[int]]
) -> None:
    """With --deep alone, and only where the server gives its memory away."""
    with (
        s_server("-www", "-tls1_2") as behind,
        _VULNERABLE["serving"](_VULNERABLE["Relay"](behind, _VULNERABLE[bad])) as port,
    ):
        deep = report(hygiene, f"127.0.0.1:{port}", "--deep")
        shallow = report(hygiene, f"127.0.0.1:{port}")
    found = {one["check"]: one for one in deep["findings"]}
    assert ("vuln-heartbleed" in found) is (bad == "heartbleed")
    if bad == "heartbleed":
        assert found["vuln-heartbleed"]["severity"] == "critical"
        assert found["vuln-heartbleed"]["path"] == f"tls://127.0.0.1:{port}"
    assert deep["inconclusive"] == []
    assert not any(one["check"].startswith("vuln-") for one in shallow["findings"])


def test_a_policy_turns_it_on(
    hygiene: Hygiene, s_server: Callable[..., AbstractContextManager[int]], tmp_path: Path
) -> None:
    """`tls: {deep: true}` is the option; its deadline ends a look that takes too long."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("tls: {deep: true, deep_seconds: 1}\n", encoding="utf-8")
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nsleep 60\n", encoding="utf-8")
    slow.chmod(0o755)
    with s_server("-www") as port:
        words = (f"127.0.0.1:{port}", "--policy", str(policy))
        told = report(hygiene, *words, HYGIENE_AGENT_DEEP=str(slow))
    [unseen] = told["inconclusive"]
    assert unseen["path"] == f"tls://127.0.0.1:{port}"
    assert unseen["detail"] == "sslyze: timed out after 1 s"


def test_a_missing_environment_is_not_clean(
    hygiene: Hygiene, s_server: Callable[..., AbstractContextManager[int]]
) -> None:
    """It is named with a hint; the look itself goes on."""
    with s_server("-www") as port:
        words = (f"127.0.0.1:{port}", "--deep", "--fail-on", "critical")
        told = report(hygiene, *words, HYGIENE_AGENT_DEEP="/nonexistent/python")
    assert told["status"] == 3
    assert told["findings"]
    [unseen] = told["inconclusive"]
    assert unseen["path"] == "--deep"
    assert "hint: " in unseen["detail"]


@pytest.mark.parametrize("check", ["vuln-ccs", "vuln-heartbleed", "vuln-robot"])
def test_each_check_is_explained(hygiene: Hygiene, check: str) -> None:
    """What it is, why it matters, what to do."""
    done = hygiene("explain", check)
    assert done.returncode == 0
    assert done.stdout.startswith(check)
    assert "Fix: " in done.stdout
