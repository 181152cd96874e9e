"""The prober: asks this host's own TLS servers, and reports what is wrong with them. EDGE.

It connects to this host alone and reads no private key; what the servers' files say it takes from
what the watcher publishes.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec

from agent import (
    __version__,
    configuration,
    endpoints,
    policychange,
    powers,
    profiling,
    snapshot,
    tlsscan,
)
from agent.deeplooks import DeepLooks
from agent.discovery import Discovery
from agent.findings import Look
from agent.guides import Guides
from agent.ledger import LedgerError
from agent.lookers import Lookers
from agent.policy.inforce import InForce
from agent.probes import UNKNOWN, Print, Probe, Probes
from agent.roles.base import Base
from agent.roles.proofs import Proofs
from agent.schedule import Schedule
from agent.served import Serving
from agent.snapshot import SnapshotError
from agent.tlsscan import Job
from agent.waiving import Waivers, today
from checks import suppress
from checks.tls import sites

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Iterable

    from agent.daemon import Life
    from agent.endpoints import Endpoint, Found
    from agent.lookers import Looked
    from agent.policyfile import Holding
    from agent.roles.walls import Walls
    from agent.settings import Settings
    from agent.tlsscan import Seen
    from checks.model import Finding
    from checks.policy import Policy
    from checks.tls.facts import Target
    from checks.tls.profilefile import Profile

NAME: Final = "prober"
_TURN: Final = 1.0
_SOON: Final = 0.1
"""The same while listeners are being found."""
_FILES: Final = "server configuration"
"""The subject of findings about files."""
_DEEP: Final = "known attacks"


def run(
    settings: Settings,
    life: Life,
    walls: Walls | None = None,
    clock: Callable[[], datetime.date] = today,
) -> None:
    """Ask until told to stop. walls: how this process is confined, None where it is not.

    clock: says which day it is.
    """
    base = Base(NAME, settings, walls)
    base.listen()
    base.lead(_Loop(base, clock), life)


class _Loop:
    """The prober's loop."""

    def __init__(self, base: Base, clock: Callable[[], datetime.date]) -> None:
        self._base, self._clock = base, clock
        with base.ledger.together():
            self._probes = Probes(base.ledger.base)
            self._deep = DeepLooks(base.ledger.base, lambda: base.stopping)
            self._serving = Serving(base.ledger.base)
        times = base.settings.tls
        self._whole = times.whole
        rng = Random(os.urandom(16))  # noqa: S311 - spreads looks, guards nothing
        self._schedule = Schedule(times.fingerprint, times.whole, times.deep, rng)
        self._waivers = Waivers(base.ledger)
        self._lookers = Lookers(self._deep)
        self._discovery = Discovery()
        self._proofs = Proofs(lambda target: self._lookers.judged(target, self._job))
        self._guides = Guides()
        self._known: dict[str, Endpoint] = {}
        self._seen: dict[str, Seen] = {}
        self._prints: dict[str, Print] = {}
        self._configured = configuration.Published()
        self._mark: tuple[int, int, int] | None = None
        self._next_discovery = 0.0
        self._connections = self._looks = 0
        base.answering.does |= dict.fromkeys(("prove", "judge"), self._proofs.answer)
        self._inforce = InForce(base, _job)
        self._take_policy(self._inforce.first())

    def start(self) -> None:
        """Nothing is to begin before the first turn."""

    # What it works by

    def _take_policy(self, job: Job) -> None:
        self._job = job
        self._waivers.work_by(job.policy.waivers)
        self._judge_by(_basis(job.policy, job.profiles))
        self._plan_deep(job.policy)

    def _judge_by(self, basis: str) -> None:
        """Have everything looked at as a whole that was judged otherwise than it would be now."""
        try:
            with self._base.ledger.together():
                self._probes.judge_by(basis)
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def _plan_deep(self, policy: Policy) -> None:
        """Say once where the policy wants attempts that cannot be made here."""
        why = self._deep.plan(policy.tls)
        if why and self._base.faults.get(_DEEP) != why:
            self._base.tell("no known attacks are tried", why)
        self._base.faults.pop(_DEEP, None)
        if why:
            self._base.faults[_DEEP] = why

    def _switch(self, job: Job) -> None:
        """Work by another policy from now on."""
        self._take_policy(job)
        self._schedule.hurry(self._known, time.monotonic())
        self._discovery.drop()
        self._next_discovery = 0.0

    def turn(self) -> None:
        """Discover, ask what is due, take in what came."""
        if (job := self._inforce.turn()) is not None:
            self._switch(job)
        self._weigh()
        now = time.monotonic()
        if now >= self._next_discovery:
            self._next_discovery = now + self._base.settings.tls.discover
            self._read_configuration()
            self._discovery.begin(self._job.policy.tls.exclude)
        if (found := self._discovery.take()) is not None:
            self._plan(found, now)
        if self._discovery.known:  # whom policy has left alone is known
            self._ask(now)
        self._take()
        self._publish()
        self._base.care(
            {
                "endpoints": len(self._known),
                "looks": self._looks,
                "connections": self._connections,
                "deep looks": self._deep.tried,
                "deep looks that failed": self._deep.failed,
            }
        )

    def _ask(self, now: float) -> None:
        """Have all looked at that are due."""
        for due in self._schedule.due(now):
            known = self._prints.get(due.key, UNKNOWN).known
            self._lookers.look(due, self._known[due.key], known, self._job, self._guides)

    def _weigh(self) -> None:
        """Let findings count from the day on which their waiver does not hold any more."""
        try:
            self._waivers.turn(self._clock(), time.time())
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def _publish(self) -> None:
        """Let the others know which certificates are served."""
        try:
            self._serving.publish(self._base.published)
            self._base.faults.pop("publish", None)
        except SnapshotError as error:
            self._base.faults["publish"] = str(error)

    # Where to look

    def _plan(self, found: Found, now: float) -> None:
        """Take in which listeners there are, and what the files say of them."""
        self._job = self._job._replace(
            found=found, configured=sites.Seen(self._configured.configured)
        )
        self._known = {one.target.uri: one for one in tlsscan.named(self._job)}
        self._schedule.keep(self._known, now)
        for key in self._over(endpoints.untold(found)):
            self._forget(key)
        for key in self._known:
            self._recall(key, now)
        seen = {key: self._seen.get(key) for key in self._known}
        speaking = {
            key: self._known[key].target
            for key, one in seen.items()
            if one is None or one.facts.speaks_tls
        }
        self._schedule.deepen(self._deep.wanted(speaking, time.time()), now)

    def _over(self, untold: set[str]) -> list[str]:
        """Give the endpoints that were looked at, before the last start too, and are no more.

        untold: listeners of which nobody knows now what they speak; what was seen there stands.
        """
        gone = [key for key in self._probes.looked() if key not in self._known]
        return [key for key in gone if key.partition("://")[2].partition("/")[0] not in untold]

    def _recall(self, key: str, now: float) -> None:
        """Have an endpoint that was looked at before the last start asked cheaply first."""
        if key in self._prints:
            return
        probe = self._probes.last(key)
        if probe and 0 <= (ago := time.time() - probe.looked) < self._whole:
            self._prints[key] = Print(probe.fingerprint)
            self._schedule.known(key, ago, now)

    def _read_configuration(self) -> None:
        path = Path(powers.published(self._base.settings, "watcher")) / configuration.FILE
        if (mark := snapshot.mark(path)) == self._mark:
            return
        self._mark = mark
        published = snapshot.read(path, configuration.Published)
        if published is not None and published.configured != self._configured.configured:
            self._configured = published
            self._guides = Guides()
            for heard in self._job.found.heard:
                self._discovery.forget(heard.listener)
            self._schedule.hurry(self._known, time.monotonic())

    def _ask_anew(self, target: Target) -> None:
        """Have the next discovery find out what a listener speaks that spoke TLS before."""
        for listener in (one.listener for one in self._job.found.heard):
            if (listener.door, listener.port) == (target.host, target.port):
                self._discovery.forget(listener)

    def _forget(self, key: str) -> None:
        """Take in that nobody listens there any more; on a full disk at the next discovery."""
        try:
            with self._base.ledger.together():
                self._note(key, Look())
                self._probes.forget(key)
                self._deep.forget(key)
                self._serving.forget(key)
        except LedgerError as error:
            self._base.faults["state"] = str(error)
            return
        self._seen.pop(key, None)
        self._prints.pop(key, None)

    # Taking in

    def _take(self) -> None:
        """Wait a little for what was asked, and take it in."""
        most = _SOON if self._discovery.going else _TURN
        end = time.monotonic() + self._base.pause(self._inforce.pause(most))
        while (left := end - time.monotonic()) > 0 and not self._base.stopping:
            looked = self._lookers.take(left)
            if isinstance(looked, Exception):
                self._base.tell("look failed", type(looked).__name__)
            elif looked is not None:
                self._settle(looked)

    def _settle(self, asked: Looked) -> None:
        self._schedule.done(asked.due, time.monotonic())
        key, seen, trial = asked.due.key, asked.seen, asked.trial
        if seen is None or trial is None or key not in self._known:
            return
        self._looks += 1
        self._connections += seen.facts.connections
        self._seen[key], before = seen, self._prints.get(key)
        found = asked.fingerprint
        self._prints[key] = Print(found, settled=before is None or before.found == found)
        if not seen.facts.speaks_tls:
            self._ask_anew(seen.endpoint.target)
        try:
            with self._base.ledger.together():
                self._note(key, self._look(seen.settled, conclusive=not seen.unseen))
                self._probes.take(key, Probe(self._prints[key].known, time.time()))
                self._deep.take(key, trial, time.time())
                self._serving.take(key, seen.facts, time.time())
                located = list(tlsscan.sited(self._job.configured, list(self._seen.values())))
                whole = not self._configured.unseen
                self._note(_FILES, self._look(located, conclusive=whole))
        except LedgerError as error:
            self._base.faults["state"] = str(error)
            self._schedule.hurry([key], time.monotonic() + _TURN)

    def _look(self, found: Iterable[Finding], *, conclusive: bool) -> Look:
        """Weigh findings by the policy."""
        policy = self._job.policy
        counted, disabled = tlsscan.told([tlsscan.weighed(one, policy) for one in found], policy)
        findings, waived = suppress.waive(counted, policy.waivers, self._clock())
        return Look(tuple(findings), (*disabled, *waived), conclusive)

    def _note(self, subject: str, look: Look) -> None:
        self._base.ledger.observe(subject, look, time.time())

    def stop(self) -> None:
        """Wait for no look that goes on."""
        for each in (self._lookers, self._discovery, self._proofs):
            each.close()


def _job(holding: Holding) -> Job:
    """Make what a policy takes; raises HygieneError for one that cannot be used."""
    policy, beside = holding
    profiles = profiling.of_policy(policy, beside)
    return Job(endpoints.Found(), sites.Seen(), policy, __version__, profiles=profiles)


def _basis(policy: Policy, profiles: tuple[Profile, ...]) -> str:
    """Give what tells one way of judging endpoints from another."""
    parts = (__version__.encode(), policychange.digest(policy).encode())
    whole = b"\0".join((*parts, msgspec.json.encode(profiles)))
    return hashlib.sha256(whole).hexdigest()
