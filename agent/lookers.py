"""Look at endpoints in threads: cheaply first, as a whole where something changed. EDGE."""

from __future__ import annotations

import datetime
import os
import queue
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import tlsscan
from agent.endpoints import Endpoint
from agent.guides import Guides
from agent.schedule import Due, Kind
from checks.tls import fingerprint, roots, sites
from checks.tls.dial import Dialer
from checks.tls.faults import Context
from checks.tls.pace import Paces

if TYPE_CHECKING:
    from agent.deeplooks import DeepLooks, Trial
    from agent.tlsscan import Job, Seen
    from checks.tls.facts import Target

_AT_ONCE: Final = 4
_TRUST: Final = 3600.0
_SECONDS: Final = 3.0
"""What a fingerprint may take."""
_ENDING: Final = 5.0
"""Seconds for an attempt that is not wanted any more, which looks for that a few times a second."""


class Looked(NamedTuple):
    """What came of a look: a fingerprint, and what a whole look and attempts gave."""

    due: Due
    fingerprint: str
    seen: Seen | None = None
    trial: Trial | None = None


class Lookers:
    """Threads that look at endpoints."""

    def __init__(self, deep: DeepLooks) -> None:
        """deep: says which attempts of known attacks belong to a look."""
        self._deep = deep
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._deeply: list[Future[None]] = []
        """The look that may have another process, one at a time."""
        self._looked: queue.SimpleQueue[Looked | Exception] = queue.SimpleQueue()
        self._paces = Paces()
        self._next_trust = 0.0
        self._context = Context(datetime.datetime.now(datetime.UTC))

    def look(self, due: Due, endpoint: Endpoint, known: str, job: Job, guides: Guides) -> None:
        """Have an endpoint looked at. known: its fingerprint at the last whole look, "" if none."""
        going = self._pool.submit(self._look, due, endpoint, known, job, guides)
        if due.kind is Kind.DEEP:
            self._deeply = [going]

    def take(self, seconds: float) -> Looked | Exception | None:
        """Give what came of a look, or why it failed; None where nothing came in time."""
        try:
            return self._looked.get(timeout=seconds)
        except queue.Empty:
            return None

    def judged(self, target: Target, job: Job) -> dict[str, int] | None:
        """Look at an endpoint at once; gives the severity of each check that it fails.

        None where it speaks no TLS. What the servers' files say is left out: it may be old.
        """
        alone = job._replace(configured=sites.Seen())
        trusting = self._trusting(job.policy.tls.expiring)
        seen = tlsscan.look_at(alone, Endpoint(target), trusting, Paces(), Guides())
        if not seen.facts.speaks_tls:
            return None
        worst: dict[str, int] = {}
        for one in (tlsscan.weighed(found, job.policy) for found in seen.settled):
            worst[one.check] = max(worst.get(one.check, 0), int(one.severity))
        return worst

    def close(self) -> None:
        """Begin no look any more; those that go on are waited for only to end their process."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait([one for one in self._deeply if not one.cancelled()], _ENDING)

    def _look(self, due: Due, endpoint: Endpoint, known: str, job: Job, guides: Guides) -> None:
        try:
            self._looked.put(self._answer(due, endpoint, known, job, guides))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self._looked.put(error)
            self._looked.put(Looked(due, ""))

    def _answer(self, due: Due, endpoint: Endpoint, known: str, job: Job, guides: Guides) -> Looked:
        target = endpoint.target
        pace = self._paces.of(target.host, target.port)
        dialer = Dialer(target, _SECONDS, 3, pace)
        found = fingerprint.fingerprint(dialer, target, os.urandom)
        cheap = due.kind is Kind.FINGERPRINT
        if cheap and found and found == known:
            return Looked(due, found)
        trial = self._deep.trial(due.key, deeply=due.kind is Kind.DEEP)
        trusting = self._trusting(job.policy.tls.expiring)
        now_guides = Guides() if cheap else guides
        deep = job._replace(deep=trial)
        seen = tlsscan.look_at(deep, endpoint, trusting, self._paces, now_guides)
        return Looked(due._replace(kind=Kind.WHOLE) if cheap else due, found, seen, trial)

    def _trusting(self, expiring: float) -> Context:
        """Give what certificates are judged by, the trusted roots read anew every hour."""
        now = datetime.datetime.now(datetime.UTC)
        if time.monotonic() >= self._next_trust:
            self._next_trust = time.monotonic() + _TRUST
            trust = roots.read()
            self._context = Context(now, trust.trusted, expiring, trust.public)
        return self._context._replace(now=now, expiring=expiring)
