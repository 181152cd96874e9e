"""Judge what an endpoint showed by every check of the folder, and describe the faults. EDGE."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from checks.model import Confidence, Finding, Inconclusive, Location
from checks.tls import chain, checks, deepfacts, drift, profiles, siting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from checks.secrets.advice import CheckText
    from checks.tls.certificate import Certificate
    from checks.tls.drift import Configured
    from checks.tls.facts import EndpointFacts
    from checks.tls.faults import Context, Fault
    from checks.tls.profiles import Profile


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
    texts += [profiles.CHECKS, drift.CHECKS, deepfacts.CHECKS, siting.CHECKS]
    return {check: text for some in texts for check, text in some.items()}


def findings(
    facts: EndpointFacts,
    context: Context,
    wanted: Sequence[Profile] = (),
    serving: Sequence[Configured] = (),
) -> list[Finding]:
    """Give what is wrong with an endpoint, one finding a fault.

    wanted: profiles it is to keep; serving: the sites of its server's files that answer there.
    """
    faults = dict.fromkeys(fault for judge in judges() for fault in judge.judge(facts, context))
    for profile in wanted:
        today = context.now.date()
        faults |= dict.fromkeys(profiles.violations(facts, profile, _leaves(facts), today))
    for one in serving if facts.speaks_tls else ():
        faults |= dict.fromkeys(drift.judge(facts, one))
    return [described(fault, facts.target.uri, known()[fault.check]) for fault in faults]


def unseen(
    facts: EndpointFacts, context: Context, wanted: Sequence[Profile] = ()
) -> list[Inconclusive]:
    """Give what could not be settled about an endpoint, one line where it speaks no TLS at all."""
    where, today = facts.target.uri, context.now.date()
    if not facts.speaks_tls:
        why = facts.unseen[0] if facts.unseen else "no version of TLS was agreed on"
        return [Inconclusive(where, "no TLS seen", why)]
    reasons = [*facts.unseen, *chain.unseen(facts.chains, context)]
    for profile in wanted:
        reasons += profiles.unsettled(facts, profile, _leaves(facts), today)
    return [Inconclusive(where, "not settled", why) for why in reasons]


def _leaves(facts: EndpointFacts) -> list[Certificate]:
    sent = (chain.read(one).leaf for one in facts.chains)
    return [leaf for leaf in sent if leaf is not None]


def described(fault: Fault, path: str, text: CheckText, line: int = 0) -> Finding:
    """Describe a fault at its place, an endpoint or a line of a configuration file."""
    identity = hashlib.sha256(f"{fault.check}\x00{fault.fact}\x00{path}".encode("utf-8", "replace"))
    return Finding(
        check=fault.check,
        severity=text.severity if fault.severity is None else fault.severity,
        confidence=Confidence.HIGH,
        location=Location(path, line),
        message=fault.message,
        fix=fault.fix or text.fix,
        references=text.references,
        identity=identity.hexdigest()[:32],
    )
