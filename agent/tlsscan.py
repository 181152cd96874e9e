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
from checks.tls import drift, judging, look, roots, sites, software, summary
from checks.tls.faults import Context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.endpoints import Endpoint, Found
    from checks.policy import Policy
    from checks.tls.facts import EndpointFacts
    from checks.tls.profiles import Profile
    from checks.tls.summary import EndpointSummary

_AT_ONCE: Final = 8
"""Endpoints that are asked at the same time; each by one connection at a time."""


class Job(NamedTuple):
    """What to ask and how. trust: a PEM file of roots that stands in for the host's, or ""."""

    found: Found
    configured: sites.Seen
    policy: Policy
    version: str
    all_suites: bool = False
    profiles: tuple[Profile, ...] = ()
    trust: str = ""


class Seen(NamedTuple):
    """One endpoint after it was asked. serving: the sites of its server's files that answer there.

    settled: what was found before any policy weighs it.
    """

    endpoint: Endpoint
    facts: EndpointFacts
    serving: tuple[drift.Configured, ...]
    settled: tuple[Finding, ...]
    unseen: tuple[Inconclusive, ...]

    @property
    def summary(self) -> EndpointSummary:
        """Put it into the words of reports."""
        owner = self.endpoint.owner
        banner = self.facts.http.server if self.facts.http else ""
        known = (*(one.site.server for one in self.serving), owner.software)
        named = next(filter(None, known), "") or software.of_banner(banner)
        places = dict.fromkeys(one.site.place for one in self.serving)
        return summary.of(
            self.facts,
            {finding.check for finding in self.settled},
            msgspec.structs.replace(owner, software=named),
            tuple(f"{place.path}:{place.line}" for place in places),
        )


def run(job: Job) -> Report:
    """Look at every target; one that does not answer is part of the report, not an error."""
    started = datetime.datetime.now(datetime.UTC)
    clock = time.monotonic()
    trust = roots.read(job.trust)
    context = Context(started, trust.trusted, job.policy.tls.expiring, trust.public)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        seen = list(pool.map(lambda one: _look(job, one, context), _named(job)))
    found = [_weighed(f, job.policy) for one in seen for f in one.settled]
    found += [_weighed(f, job.policy) for f in _sited(job.configured)]
    counted, disabled = _told(found, job.policy)
    findings, waived = suppress.waive(counted, job.policy.waivers, started.date())
    unseen = [
        *job.found.unseen,
        *job.configured.unseen,
        *(why for one in seen for why in one.unseen),
    ]
    unseen += [Inconclusive(trust.path or "roots", "not looked at", why) for why in trust.unseen]
    return Report(
        version=job.version,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - clock,
        roots=tuple(one.target.uri for one in job.found.endpoints),
        counts=Counts(
            endpoints=len(seen),
            connections=sum(one.facts.connections for one in seen),
            not_applicable=dict(job.found.apart),
        ),
        findings=tuple(sorted(findings, key=_order)),
        suppressed=tuple(sorted(disabled + waived, key=lambda one: _order(one.finding))),
        inconclusive=tuple(sorted(unseen, key=lambda one: (one.path, one.reason, one.detail))),
        endpoints=tuple(one.summary for one in seen if one.facts.speaks_tls),
        policy=job.policy.name,
    )


def _named(job: Job) -> list[Endpoint]:
    """Give every endpoint, and for each name that its server's configuration has one more."""
    asked: dict[Endpoint, None] = {}
    for one in job.found.endpoints:
        target = one.target
        names = [] if target.server_name else drift.names(job.configured.configured, target)
        asked |= dict.fromkeys([one, *(_with(one, name) for name in names)])
    return list(asked)


def _with(endpoint: Endpoint, name: str) -> Endpoint:
    return endpoint._replace(target=msgspec.structs.replace(endpoint.target, server_name=name))


def _look(job: Job, endpoint: Endpoint, context: Context) -> Seen:
    """Ask one endpoint and judge what it showed."""
    target, tls = endpoint.target, job.policy.tls
    whole = job.all_suites or bool(job.profiles)
    facts = look.observe(target, seconds=tls.seconds, all_suites=whole)
    known = job.configured.configured
    serving = tuple(one for one in known if drift.serves(one.site, target))
    settled = judging.findings(facts, context, job.profiles, serving)
    unseen = judging.unseen(facts, context, job.profiles)
    return Seen(endpoint, facts, serving, tuple(settled), tuple(unseen))


def _sited(configured: sites.Seen) -> Iterator[Finding]:
    """Describe the faults of configuration at their lines."""
    for fault, setting in configured.faults:
        yield judging.described(fault, setting.path, judging.known()[fault.check], setting.line)


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


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.location.path, -finding.severity, finding.check, finding.identity


def check_infos() -> dict[str, CheckInfo]:
    """Give what is known about every check of TLS."""
    return {
        check: CheckInfo(text.title, text.severity, text.fix, text.references)
        for check, text in judging.known().items()
    }
