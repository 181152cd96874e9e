"""Reports that the tests of all outputs share, hostile names included."""

from __future__ import annotations

import pytest

from agent.report import CheckInfo, Counts, Report
from checks.model import (
    Access,
    Confidence,
    Evidence,
    Finding,
    Fingerprint,
    Inconclusive,
    Location,
    Severity,
    Suppressed,
    Suppression,
)

HOSTILE = "/srv/x/\x1b[2J\"><script>document.title='owned'</script>\udcff\u202e.env"
FIX = "Move it to Vault and change it."


def finding(
    path: str, line: int = 1, severity: Severity = Severity.HIGH, key_path: str = "db.password"
) -> Finding:
    """Make a finding in a file of root that everyone can read."""
    return Finding(
        check="clear-text-password" if key_path else "private-key-readable",
        severity=severity,
        confidence=Confidence.HIGH,
        location=Location(path, line, 3 if line else 0, key_path),
        message="A database password in clear text:",
        fix=FIX,
        evidence=Evidence("•" * 8, 14, (Fingerprint("ab12cd34", "0" * 32),)),
        access=Access(0, 33, 0o644, "root", ""),
        references=("https://example.org/why", "NIST SP 800-53 IA-5"),
        identity=f"identity-{line}",
    )


@pytest.fixture
def infos() -> dict[str, CheckInfo]:
    """What is known of one of the checks."""
    return {"clear-text-password": CheckInfo("Password in clear text", Severity.HIGH, FIX)}


@pytest.fixture
def report() -> Report:
    """A report with something of everything."""
    findings = (
        finding("/srv/app/a.yml", 12, Severity.LOW),
        finding("/srv/app/a.yml", 30, Severity.CRITICAL),
        finding("/srv/app/key.pem", 0, Severity.MEDIUM, ""),
        finding(HOSTILE, 2),
        finding("/var/b 100%.zip!/etc/c:d.env", 7, Severity.INFO),
    )
    suppressed = (
        Suppressed(finding("/srv/app/a.yml", 40), Suppression("baseline", "", "accepted")),
        Suppressed(finding("/srv/app/t.py", 4), Suppression("mark", "root", "a fixture")),
        Suppressed(finding("/srv/old", 5), Suppression("waiver", "team-x", "moving", "2027-01-31")),
    )
    unseen = tuple(Inconclusive(f"/srv/p{n}", "permission denied") for n in range(5))
    return Report(
        version="1.2.3",
        started="2026-11-22T01:15:00+00:00",
        seconds=3.214,
        roots=("/srv", "/var"),
        counts=Counts(24_877, 206 << 20, 200 << 20, 412, {"socket": 3, "binary": 1}, 4),
        findings=findings,
        suppressed=suppressed,
        inconclusive=(*unseen, Inconclusive(HOSTILE, "truncated", "after 3 members")),
        policy="default",
        policy_version="7",
    )


@pytest.fixture
def clean() -> Report:
    """A report of a scan that found nothing."""
    return Report(
        version="1.2.3",
        started="2026-11-22T01:15:00+01:00",
        seconds=0.1,
        roots=(".",),
        counts=Counts(1, 512),
    )
