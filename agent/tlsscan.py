"""Run one look at TLS endpoints: ask, judge, suppress, report. EDGE."""

from __future__ import annotations

import datetime
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent.report import CheckInfo, Counts, Report
from checks import suppress
from checks.model import Finding, Inconclusive, Severity, Suppressed, Suppression
from checks.tls import drift, judging, look, roots, sites
from checks.tls.faults import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.endpoints import Found
    from checks.policy import Policy
    from checks.tls.facts import EndpointFacts, Target
    from checks.tls.profiles import Profile

_AT_ONCE: Final = 8
"""Endpoints that are asked at the same time; each by one connection at a time."""


class Job(NamedTuple):
    """What to ask and how."""

    found: Found
    configured: sites.Seen
    policy: Policy
    version: str
    all_suites: bool = False
    profiles: tuple[Profile, ...] = ()


def run(job: Job) -> Report:
    """Look at every target; one that does not answer is part of the report, not an error."""
    started = datetime.datetime.now(datetime.UTC)
    clock = time.monotonic()
    trust = roots.read()
    context = Context(started, trust.trusted, job.policy.tls.expiring, trust.public)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seen = list(pool.map(lambda target: _look(job, target), _named(job)))
    found = [
        _weighed(f, job.policy)
        for facts in seen
        for f in judging.findings(facts, context, job.profiles)
    ]
    found += [_weighed(f, job.policy) for facts in seen for f in _drift(facts, job.configured)]
    found += [_weighed(f, job.policy) for f in _sited(job.configured)]
    counted, disabled = _told(found, job.policy)
    findings, waived = suppress.waive(counted, job.policy.waivers, started.date())
    unseen = [*job.found.unseen, *job.configured.unseen]
    unseen += [one for facts in seen for one in _unseen(facts, context, job.profiles)]
    unseen += [Inconclusive(trust.path or "roots", "not looked at", why) for why in trust.unseen]
    return Report(
        version=job.version,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - clock,
        roots=tuple(judging.place(target) for target in job.found.targets),
        counts=Counts(
            endpoints=len(seen),
            connections=sum(facts.connections for facts in seen),
            not_applicable=dict(job.found.apart),
        ),
        findings=tuple(sorted(findings, key=_order)),
        suppressed=tuple(sorted(disabled + waived, key=lambda one: _order(one.finding))),
        inconclusive=tuple(sorted(unseen, key=lambda one: (one.path, one.reason, one.detail))),
        policy=job.policy.name,
    )


def _named(job: Job) -> list[Target]:
    """Give every target, and for each name that its server's configuration has one more."""
    asked: dict[Target, None] = {}
    for target in job.found.targets:
        names = [] if target.server_name else drift.names(job.configured.configured, target)
        asked |= dict.fromkeys([target, *(_with(target, name) for name in names)])
    return list(asked)


def _with(target: Target, name: str) -> Target:
    return msgspec.structs.replace(target, server_name=name)


def _drift(facts: EndpointFacts, configured: sites.Seen) -> Iterator[Finding]:
    """Compare an endpoint with the files of the site that answers there."""
    for one in configured.configured:
        if facts.speaks_tls and drift.serves(one.site, facts.target):
            for fault in drift.judge(facts, one):
                text = drift.CHECKS[fault.check]
                yield judging.described(fault, judging.place(facts.target), text)


def _sited(configured: sites.Seen) -> Iterator[Finding]:
    """Describe the faults of configuration at their lines."""
    for fault, setting in configured.faults:
        yield judging.described(fault, setting.path, judging.known()[fault.check], setting.line)


def _look(job: Job, target: Target) -> EndpointFacts:
    return look.observe(
        target, seconds=job.policy.tls.seconds, all_suites=job.all_suites or bool(job.profiles)
    )


def _weighed(finding: Finding, policy: Policy) -> Finding:
    named = policy.tls.severity.get(finding.check)
    if named is None:
        return finding
    return msgspec.structs.replace(finding, severity=Severity.named(named))


def _told(found: list[Finding], policy: Policy) -> tuple[list[Finding], list[Suppressed]]:
    """Part the findings that count from those of checks which the policy switched off."""
    disabled = frozenset(policy.tls.disable)
    why = Suppression("policy", "", f"disabled by policy {policy.name}")
    return (
        [finding for finding in found if finding.check not in disabled],
        [Suppressed(finding, why) for finding in found if finding.check in disabled],
    )


def _unseen(
    facts: EndpointFacts, context: Context, profiles: tuple[Profile, ...]
) -> list[Inconclusive]:
    """Give what was not settled; an endpoint that speaks no TLS at all is told so in one line."""
    if facts.speaks_tls:
        return judging.unseen(facts, context, profiles)
    why = facts.unseen[0] if facts.unseen else "no version of TLS was agreed on"
    return [Inconclusive(judging.place(facts.target), "no TLS seen", why)]


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.location.path, -finding.severity, finding.check, finding.identity


def check_infos() -> dict[str, CheckInfo]:
    """Give what is known about every check of TLS."""
    return {
        check: CheckInfo(text.title, text.severity, text.fix, text.references)
        for check, text in judging.known().items()
    }
