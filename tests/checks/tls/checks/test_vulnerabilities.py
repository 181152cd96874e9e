"""Weaknesses that only an attempt shows are faults where it showed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from checks.model import Severity
from checks.tls.checks import vulnerabilities

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("known", "check", "severity"),
    [
        ({"heartbleed": True}, "vuln-heartbleed", Severity.CRITICAL),
        ({"early_ccs": True}, "vuln-ccs", Severity.HIGH),
        ({"robot": "strong"}, "vuln-robot", Severity.HIGH),
        ({"robot": "weak"}, "vuln-robot", Severity.HIGH),
    ],
)
def test_each_weakness_is_a_fault(
    endpoint: Callable, faults: Callable, known: dict[str, Any], check: str, severity: Severity
) -> None:
    """A weakness that was shown is the fault of its check, alone."""
    [fault] = faults(vulnerabilities, endpoint(**known))
    assert fault.check == check
    assert vulnerabilities.CHECKS[check].severity is severity


def test_how_good_an_oracle_is_is_told(endpoint: Callable, faults: Callable) -> None:
    """A weak oracle is a fault as well, and said to be one."""
    [weak] = faults(vulnerabilities, endpoint(robot="weak"))
    [strong] = faults(vulnerabilities, endpoint(robot="strong"))
    assert "weak" in weak.message
    assert "weak" not in strong.message


def test_a_sound_endpoint_has_no_fault(endpoint: Callable, faults: Callable) -> None:
    """Neither what was tried in vain nor what was not tried."""
    tried = {"heartbleed": False, "early_ccs": False, "robot": "none"}
    assert faults(vulnerabilities, endpoint(**tried)) == []
    assert faults(vulnerabilities, endpoint()) == []
