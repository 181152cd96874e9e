"""Sum up a scan for an attestation: counts and hashes, and nothing that was found. Pure."""

from __future__ import annotations

import datetime
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from agent import policychange
from agent.report import TOOL
from checks.attest.statement import Coverage, Policy, Predicate, Tool, Verdict
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.report import Report
    from agent.scanning import Job
    from checks.model import Severity
    from checks.secrets.rules import Rule

_RESULTS: Final[dict[int, Literal["passed", "failed", "incomplete"]]] = {
    0: "passed",
    1: "failed",
    3: "incomplete",
}
_KINDS: Final = 100
"""So many reasons stand by themselves; the rarer ones are one."""
_LONGEST: Final = 200


def made(job: Job, report: Report, threshold: Severity) -> Predicate:
    """Sum up the report of a job; threshold: the severity from which it fails."""
    return Predicate(
        scanned="image" if job.image else "root" if job.root else "paths",
        tool=Tool(name=TOOL, version=report.version),
        started=datetime.datetime.fromisoformat(report.started),
        seconds=round(report.seconds, 3),
        policy=Policy(
            name=printable(report.policy, longest=_LONGEST),
            sha256=policychange.digest(job.orders.policy),
            rules=_digest(job.engine.rules),
            editions=dict(job.editions),
        ),
        verdict=Verdict(
            result=_RESULTS[report.exit_status(threshold)],
            fail_on=threshold.label,  # type: ignore[arg-type]  # the words of SeverityName
            only_new=job.image is not None and job.image.ignore_base,
        ),
        findings={one.label: count for one, count in report.severities.items()},  # type: ignore[misc]  # the same words
        suppressed=_counted(one.suppression.kind for one in report.suppressed),
        coverage=_coverage(report),
    )


def _coverage(report: Report) -> Coverage:
    counts = report.counts
    return Coverage(
        files=counts.files,
        bytes=counts.bytes_looked_at,
        archive_members=counts.archive_members,
        degraded=counts.degraded,
        not_applicable=dict(counts.not_applicable),
        not_looked_at=_counted(one.reason for one in report.inconclusive),
    )


def _counted(words: Iterable[str]) -> dict[str, int]:
    found = Counter(printable(one, longest=_LONGEST) for one in words)
    known = dict(found.most_common(_KINDS))
    others = found.total() - sum(known.values())
    return known | ({"other reasons": others} if others else {})


def _digest(rules: Iterable[Rule]) -> str:
    """Hash rules, whatever the order in which their files were read."""
    told = sorted(rules, key=lambda rule: rule.id)
    return hashlib.sha256(msgspec.msgpack.encode(told, order="deterministic")).hexdigest()
