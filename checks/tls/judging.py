"""Judge what an endpoint showed by every check of the folder, and describe the faults."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from checks.model import Confidence, Finding, Inconclusive, Location
from checks.tls import chain, checks, drift, fixing, keyuse, profiles, siting
from checks.tls.facts import NO_TLS
from checks.tls.siting import Located

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from checks.secrets.advice import CheckText
    from checks.tls import sites
    from checks.tls.certificate import Certificate
    from checks.tls.drift import Configured
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context, Fault
    from checks.tls.fixing import Mended, Server
    from checks.tls.profilefile import Profile


class Judge(Protocol):
    """What a module of `checks/tls/checks` offers; see that package's text."""

    CHECKS: Mapping[str, CheckText]

    def judge(self, facts: EndpointFacts, context: Context) -> Iterator[Fault]:
        """Find the faults."""
        ...


@cache
def judges() -> tuple[Judge, ...]:
    """Load every module of the folder, sorted by name."""
    names = sorted(info.name for info in pkgutil.iter_modules(checks.__path__))
    return tuple(cast("Judge", importlib.import_module(f"{checks.__name__}.{n}")) for n in names)


@cache
def known() -> dict[str, CheckText]:
    """Give the text of every check."""
    texts = [judge.CHECKS for judge in judges()]
    texts += [profiles.CHECKS, drift.CHECKS, siting.CHECKS, keyuse.CHECKS]
    return {check: text for some in texts for check, text in some.items()}


def findings(
    facts: EndpointFacts,
    context: Context,
    wanted: Sequence[Profile] = (),
    serving: Sequence[Configured] = (),
    server: Server = fixing.UNKNOWN,
) -> list[Finding]:
    """Give what is wrong with an endpoint, one finding a fault.

    wanted: profiles it is to keep; serving: the sites of its server's files one of which answers;
    server: whose words a fix is told in.
    """
    faults = dict.fromkeys(fault for judge in judges() for fault in judge.judge(facts, context))
    if facts.speaks_tls:
        faults |= dict.fromkeys(drift.judge(facts, serving))
    faults |= dict.fromkeys(violations(facts, context, list(faults), wanted))
    told = ((fault, fixing.mended(fault, server, facts)) for fault in faults)
    where = facts.target.uri
    return [described(one, where, known()[one.check], mended=mended) for one, mended in told]


def violations(
    facts: EndpointFacts, context: Context, faults: Sequence[Fault], wanted: Sequence[Profile]
) -> Iterator[Fault]:
    """Give what profiles make of an endpoint with its other FAULTS."""
    subject = _subject(facts, context, {fault.check for fault in faults})
    for profile in wanted:
        yield from profiles.violations(subject, profile)


def unseen(
    facts: EndpointFacts, context: Context, wanted: Sequence[Profile] = ()
) -> list[Inconclusive]:
    """Give what could not be settled about an endpoint, one line where it speaks no TLS at all."""
    where = facts.target.uri
    if not facts.speaks_tls:
        why = facts.unseen[0] if facts.unseen else "no version of TLS was agreed on"
        return [Inconclusive(where, NO_TLS, why)]
    reasons = [*facts.unseen, *chain.unseen(facts.chains, context)]
    for profile in wanted:
        reasons += profiles.unsettled(_subject(facts, context), profile)
    return [Inconclusive(where, "not settled", why) for why in reasons]


def misconfigured(
    seen: sites.Seen, context: Context, wanted: Sequence[Profile]
) -> list[Finding | Inconclusive]:
    """Give what breaks a profile in servers' files, at its line, and what they do not settle."""
    said: dict[Located | tuple[str, str], None] = {}
    for profile in wanted:
        for site in (one.site for one in seen.configured):
            today = context.now.date()
            for one in profiles.misconfigured(site, seen.modes, profile, today):
                said[one if isinstance(one, Located) else (site.place.path, one)] = None
    return [_misconfigured(one) for one in said]


def _misconfigured(said: Located | tuple[str, str]) -> Finding | Inconclusive:
    if isinstance(said, Located):
        return located(said)
    return Inconclusive(said[0], "not settled", said[1])


def _subject(
    facts: EndpointFacts, context: Context, failed: Collection[str] = ()
) -> profiles.Subject:
    return profiles.Subject(facts, _leaves(facts), context.now.date(), failed)


def _leaves(facts: EndpointFacts) -> list[Certificate]:
    sent = (chain.read(one).leaf for one in facts.chains)
    return [leaf for leaf in sent if leaf is not None]


def located(found: Located) -> Finding:
    """Describe a fault of configuration at its line."""
    fault, place = found.fault, found.setting
    mended = fixing.mended(fault, fixing.Server(found.server, "", place, (place,)))
    return described(fault, place.path, known()[fault.check], place.line, mended)


def described(
    fault: Fault,
    path: str,
    text: CheckText,
    line: int = 0,
    mended: Mended = fixing.NOTHING,
) -> Finding:
    """Describe a fault at its place, an endpoint or a line of a configuration file."""
    identity = hashlib.sha256(f"{fault.check}\x00{fault.fact}\x00{path}".encode("utf-8", "replace"))
    return Finding(
        check=fault.check,
        severity=text.severity if fault.severity is None else fault.severity,
        confidence=Confidence.HIGH,
        location=Location(path, line),
        message=fault.message,
        fix=" ".join(filter(None, (fault.fix or text.fix, mended.where))),
        references=text.references,
        identity=identity.hexdigest()[:32],
        snippet=mended.lines,
    )
