"""Hold endpoints and configuration against TLS profiles: Mozilla's, NIST's, an organisation's own.

A profile is data with its source, `profiles/ID.yaml`; one's own is a mapping of the same form, or
one that names a `base` and what is different:

    id: ours
    title: Ours
    base: mozilla-intermediate
    without: [lifetime]
    rules:
      - {id: hsts, kind: hsts, clause: our handbook 4.2, seconds: 31536000}
"""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.model import Severity
from checks.printable import printable
from checks.secrets.advice import CheckText
from checks.tls.faults import Fault
from checks.tls.profilecertificate import Keys, Lifetime, Signatures, Status
from checks.tls.profileconfig import Broken, KeyFile, Setting
from checks.tls.profilerule import Verdict
from checks.tls.profilewire import Faultless
from checks.tls.siting import Located

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from checks.tls.config import Site
    from checks.tls.facts import EndpointFacts
    from checks.tls.profilefile import AnyRule, Profile
    from checks.tls.profilerule import Leaves

CHECKS: Final[dict[str, CheckText]] = {
    "profile-violation": CheckText(
        "Rule of the chosen TLS profile broken",
        Severity.MEDIUM,
        "a rule of the chosen TLS profile is broken",
        "Do what the rule wants, or choose another profile in the policy.",
        "The organisation has promised to keep the profile; each broken rule is told on its own.",
    ),
}
_LONGEST: Final = 600
"""Characters of a message; what stands in it comes from servers and files."""


class Subject(NamedTuple):
    """An endpoint to hold against profiles.

    certificates: its own ones, without those of their issuers; today: for rules that hold from a
    day on, which are left out without it; failed: ids of the checks that found something there.
    """

    facts: EndpointFacts
    certificates: Leaves = ()
    today: datetime.date | None = None
    failed: Collection[str] = ()


def violations(subject: Subject, profile: Profile) -> Iterator[Fault]:
    """Give one fault for each rule that an endpoint breaks, with what mends it."""
    for rule in _holding(profile, subject.today):
        if wrong := _verdict(rule, subject).wrong:
            fault = _fault(profile, rule, "; ".join(wrong))
            yield fault._replace(remedy=rule.remedy(subject.facts))


def unsettled(subject: Subject, profile: Profile) -> Iterator[str]:
    """Say which rules cannot be called kept, and why: unseen is not clean."""
    for rule in _holding(profile, subject.today):
        if why := _verdict(rule, subject).unsettled:
            yield f"{_clause(profile, rule)}: {why}"


def misconfigured(
    site: Site,
    modes: Mapping[str, int],
    profile: Profile,
    today: datetime.date | None = None,
) -> Iterator[Located | str]:
    """Give a fault for each rule that a site's files break; a text for one they do not settle.

    modes: of the files of private keys, by path.
    """
    for rule in _holding(profile, today):
        if not isinstance(rule, Setting | KeyFile) or rule.server != site.server:
            continue
        for found in rule.judge(site, modes):
            if isinstance(found, Broken):
                named = f"/{site.names[0]}" if site.names else ""
                fault = _fault(profile, rule, found.said, named)._replace(remedy=rule.change)
                yield Located(fault, found.place, site.server)
            else:
                yield f"{_clause(profile, rule)}: {found.why}"


def unjudged(profile: Profile, servers: Collection[str] = ()) -> Iterator[str]:
    """Say what the profile has that was not judged, and why; SERVERS: those whose files were read.

    None of it is a gap in what was looked at: no look would show it.
    """
    for one in profile.unjudged:
        yield f"{profile.title} ({one.clause}): {one.reason}"
    for rule in profile.rules:
        if isinstance(rule, Setting | KeyFile) and rule.server not in servers:
            yield f"{_clause(profile, rule)}: no configuration of {rule.server} was read"


def _holding(profile: Profile, today: datetime.date | None) -> Iterator[AnyRule]:
    for rule in profile.rules:
        if rule.since is None or (today is not None and rule.since <= today):
            yield rule


def _clause(profile: Profile, rule: AnyRule) -> str:
    """Name the standard and the clause, and say where nobody has compared the two."""
    doubt = "" if rule.checked else ", clause not compared with its text"
    return f"{profile.title} ({rule.clause}{doubt})"


def _fault(profile: Profile, rule: AnyRule, said: str, more: str = "") -> Fault:
    message = printable(f"{_clause(profile, rule)}: {said}", longest=_LONGEST)
    severity = Severity.named(rule.severity or profile.severity)
    fact = f"{profile.id}/{rule.id}{more}"
    return Fault("profile-violation", message, fact, severity, rule.wanted)


def _verdict(rule: AnyRule, subject: Subject) -> Verdict:
    """Hold a rule against what it is about; without TLS only what checks found counts."""
    if isinstance(rule, Faultless):
        return rule.judge(subject.failed)
    if isinstance(rule, Setting | KeyFile) or not subject.facts.speaks_tls:
        return Verdict()
    if isinstance(rule, Keys | Signatures | Lifetime):
        return rule.judge(subject.certificates)
    if isinstance(rule, Status):
        return rule.judge(subject.facts, subject.certificates)
    return rule.judge(subject.facts)
