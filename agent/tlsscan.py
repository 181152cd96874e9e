"""Run one look at TLS endpoints: ask, judge, suppress, report. EDGE."""

from __future__ import annotations

import datetime
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from agent import plainports
from agent.deeptier import DeepTier
from agent.guides import Guides
from agent.report import CheckInfo, Counts, Report
from checks import suppress
from checks.model import Finding, Inconclusive, Severity, Suppressed, Suppression
from checks.tls import (
    answering,
    drift,
    fixing,
    judging,
    look,
    meeting,
    profiles,
    roots,
    sites,
    software,
    summary,
)
from checks.tls.facts import NO_TLS
from checks.tls.faults import Context
from checks.tls.pace import Paces
from checks.tls.profilerule import NO_CERTIFICATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.endpoints import Endpoint, Found
    from checks.policy import Policy
    from checks.tls.config import Site
    from checks.tls.drift import Configured
    from checks.tls.facts import EndpointFacts, Target
    from checks.tls.numbers import Version
    from checks.tls.profilefile import Profile
    from checks.tls.summary import EndpointSummary

_AT_ONCE: Final = 8
"""Endpoints that are asked at the same time; a listener takes part in no more than its `Pace`."""


class Deepening(Protocol):
    """What may know more of an endpoint than our own look. unseen: what it cannot look at."""

    unseen: tuple[Inconclusive, ...]

    def examined(self, facts: EndpointFacts) -> EndpointFacts:
        """Add what it knows."""
        ...


class Job(NamedTuple):
    """What to ask and how. trust: a PEM file of roots that stands in for the host's, or ""."""

    found: Found
    configured: sites.Seen
    policy: Policy
    version: str
    all_suites: bool = False
    profiles: tuple[Profile, ...] = ()
    trust: str = ""
    deep: Deepening = DeepTier()


class Seen(NamedTuple):
    """One endpoint after it was asked. serving: the sites of its server's files that answer there.

    software: as in `checks/tls/servers`; settled: what was found before any policy weighs it.
    """

    endpoint: Endpoint
    facts: EndpointFacts
    serving: tuple[Configured, ...]
    software: str
    settled: tuple[Finding, ...]
    unseen: tuple[Inconclusive, ...]

    @property
    def summary(self) -> EndpointSummary:
        """Put it into the words of reports."""
        places = dict.fromkeys(one.site.place for one in self.serving)
        return summary.of(
            self.facts,
            {finding.check for finding in self.settled},
            msgspec.structs.replace(self.endpoint.owner, software=self.software),
            tuple(f"{place.path}:{place.line}" for place in places),
        )


def run(job: Job) -> Report:
    """Look at every target; one that does not answer is part of the report, not an error."""
    started = datetime.datetime.now(datetime.UTC)
    clock = time.monotonic()
    trust = roots.read(job.trust)
    context = Context(started, trust.trusted, job.policy.tls.expiring, trust.public)
    paces = Paces()
    seen = _looked(job, context, paces)
    kept = judging.misconfigured(job.configured, context, job.profiles)
    found = [*_found(job, seen, context, paces), *(o for o in kept if isinstance(o, Finding))]
    counted, disabled = told([weighed(one, job.policy) for one in found], job.policy)
    findings, waived = suppress.waive(counted, job.policy.waivers, started.date())
    unseen = [*_unseen(job, seen, trust), *(o for o in kept if isinstance(o, Inconclusive))]
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
        notes=tuple(_unjudged(job)),
        endpoints=tuple(one.summary for one in seen if one.facts.speaks_tls),
        policy=job.policy.name,
    )


def _found(job: Job, seen: Sequence[Seen], context: Context, paces: Paces) -> Iterator[Finding]:
    """Give what is wrong with endpoints, with files, and with the plain ports beside them."""
    for one in seen:
        yield from one.settled
    yield from sited(job.configured, seen)
    asked = [one.facts for one in seen]
    yield from plainports.findings(job.found.heard, asked, context, paces, job.profiles)


def _unseen(job: Job, seen: Sequence[Seen], trust: roots.Roots) -> Iterator[Inconclusive]:
    """Give what could not be looked at, or was not settled."""
    yield from (*job.found.unseen, *job.configured.unseen, *job.deep.unseen)
    for one in seen:
        yield from left(one, seen)
    for why in trust.unseen:
        yield Inconclusive(trust.path or "roots", "not looked at", why)


def _looked(job: Job, context: Context, paces: Paces) -> list[Seen]:
    """Look at all endpoints, a few at a time: every listener once, then its further names."""
    wanted, guides = named(job), Guides()
    order = sorted(wanted, key=lambda one: bool(one.target.server_name))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looks = pool.map(lambda one: look_at(job, one, context, paces, guides), order)
        looked = dict(zip(order, looks, strict=True))
    return [looked[one] for one in wanted]


def named(job: Job) -> list[Endpoint]:
    """Give every endpoint, and for each name that its server's configuration has one more."""
    asked: dict[Endpoint, None] = {}
    for one in job.found.endpoints:
        target = one.target
        known, software = job.configured.configured, one.owner.software
        alone = job.found.exact or one.elsewhere or target.server_name
        names = [] if alone else answering.names(known, target, software)
        asked |= dict.fromkeys([one, *(_with(one, name) for name in names)])
    return list(asked)


def _with(endpoint: Endpoint, name: str) -> Endpoint:
    return endpoint._replace(target=msgspec.structs.replace(endpoint.target, server_name=name))


def look_at(job: Job, endpoint: Endpoint, context: Context, paces: Paces, guides: Guides) -> Seen:
    """Ask one endpoint and judge what it showed."""
    known = () if endpoint.elsewhere else job.configured.configured
    serving = answering.serving(known, endpoint.target, endpoint.owner.software)
    facts = job.deep.examined(_observed(job, endpoint.target, serving, paces, guides))
    server = _server(endpoint, [one.site for one in serving], facts)
    settled = judging.findings(facts, context, job.profiles, serving, server)
    unseen = judging.unseen(facts, context, job.profiles)
    return Seen(endpoint, facts, serving, server.software, tuple(settled), tuple(unseen))


def _observed(
    job: Job, target: Target, serving: Sequence[Configured], paces: Paces, guides: Guides
) -> EndpointFacts:
    """Ask one endpoint; where its listener is known already, by fewer questions."""
    whole, seconds = job.all_suites or bool(job.profiles), job.policy.tls.seconds
    pace = paces.of(target.host, target.port)
    if whole:
        return look.observe(target, seconds=seconds, all_suites=True, pace=pace)
    listener, groups = guides.of(target), frozenset(one.groups for one in serving)
    with listener.turn():
        known = listener.known(groups)
        facts = look.observe(target, seconds=seconds, pace=pace, known=known)
        # Of groups that are not loaded nobody knows for which names they will be.
        if not any(fault.check == drift.CONFIG for fault in drift.judge(facts, serving)):
            listener.learned(facts, groups)
    return facts


def left(one: Seen, seen: Sequence[Seen]) -> Iterator[Inconclusive]:
    """Give what was not settled; who serves those that name a host need not serve others."""
    target = one.facts.target
    same = (
        o.facts
        for o in seen
        if (o.facts.target.host, o.facts.target.port) == (target.host, target.port)
    )
    shown = not target.server_name and any(facts.chains for facts in same)
    for why in one.unseen:
        if not (shown and _of_strangers(one.facts, why)):
            yield why


def _of_strangers(facts: EndpointFacts, why: Inconclusive) -> bool:
    """Say whether it is open only for a server's having nothing for those that name no host."""
    if why.reason == NO_TLS:
        return None not in facts.versions.values()
    bare = not facts.chains and why.detail.endswith(NO_CERTIFICATE.unsettled)
    return bare or why.detail.startswith(meeting.CERTIFICATES)


def _server(endpoint: Endpoint, serving: list[Site], facts: EndpointFacts) -> fixing.Server:
    """Say what answers there: its software is told in findings and in the summary alike."""
    owner, banner = endpoint.owner, facts.http.server if facts.http else ""
    named = software.of_endpoint((one.server for one in serving), owner.software, banner)
    return fixing.server(named, owner.unit, serving)


def sited(configured: sites.Seen, seen: Sequence[Seen]) -> Iterator[Finding]:
    """Describe the faults of configuration at their lines; what was seen served is in effect."""
    served: dict[Site, set[Version]] = {}
    for one in seen:
        spoken = {version for version, yes in one.facts.versions.items() if yes}
        for site in (configured.site for configured in one.serving):
            served.setdefault(site, set()).update(spoken)
    yield from map(judging.located, configured.faults(served))


def _unjudged(job: Job) -> Iterator[str]:
    """Say what the chosen profiles have that no look at servers and files can judge."""
    servers = {one.site.server for one in job.configured.configured}
    for profile in job.profiles:
        yield from profiles.unjudged(profile, servers)


def weighed(finding: Finding, policy: Policy) -> Finding:
    """Give a finding the severity that the policy has for its check."""
    named = policy.tls.severity.get(finding.check)
    if named is None:
        return finding
    return msgspec.structs.replace(finding, severity=Severity.named(named))


def told(found: list[Finding], policy: Policy) -> tuple[list[Finding], list[Suppressed]]:
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
