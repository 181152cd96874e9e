"""The prober: asks this host's own TLS servers, and reports what is wrong with them. EDGE.

It connects to this host alone and reads no private key; what the servers' files say it takes from
what the watcher publishes.
"""

from __future__ import annotations

import datetime
import os
import queue
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import (
    __version__,
    configuration,
    endpoints,
    policyfile,
    powers,
    profiling,
    snapshot,
    tlsscan,
)
from agent.findings import Look
from agent.guides import Guides
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.roles.base import Base
from agent.schedule import Due, Kind, Schedule
from checks import suppress
from checks.tls import fingerprint, roots, sites
from checks.tls.dial import Dialer
from checks.tls.faults import Context
from checks.tls.listeners import Lister
from checks.tls.pace import Paces
from checks.tls.restraint import Restraint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.daemon import Life
    from agent.endpoints import Endpoint
    from agent.roles.walls import Walls
    from agent.settings import Settings
    from agent.tlsscan import Seen
    from checks.model import Finding
    from checks.tls.facts import Target

NAME: Final = "prober"
_AT_ONCE: Final = 4
_TURN: Final = 1.0
_TRUST: Final = 3600.0
_SECONDS: Final = 3.0
"""What a fingerprint may take."""
_FILES: Final = "server configuration"
"""The subject of findings about files."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS probes (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, looked REAL NOT NULL
) WITHOUT ROWID
"""


class _Asked(NamedTuple):
    """What came of asking: a fingerprint, and what a whole look gave."""

    due: Due
    fingerprint: str
    seen: Seen | None


def run(settings: Settings, life: Life, walls: Walls | None = None) -> None:
    """Ask until told to stop. walls: how this process is confined, None where it is not."""
    base = Base(NAME, settings, walls)
    base.listen()
    loop = _Loop(base)
    try:
        life.ready()
        while not base.stopping:
            loop.turn()
            base.beat(life)
    finally:
        loop.close()
        base.close()


class _Loop:
    """The prober's loop."""

    def __init__(self, base: Base) -> None:
        self._base = base
        base.ledger.base.execute(_SCHEMA)
        times = base.settings.tls
        self._whole = times.whole
        rng = Random(os.urandom(16))  # noqa: S311 - spreads looks, guards nothing
        self._schedule = Schedule(times.fingerprint, times.whole, rng)
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._asked: queue.SimpleQueue[_Asked | Exception] = queue.SimpleQueue()
        self._memory, self._lister = Restraint(), Lister()
        self._paces, self._guides = Paces(), Guides()
        self._known: dict[str, Endpoint] = {}
        self._seen: dict[str, Seen] = {}
        self._prints: dict[str, str] = {}
        """The fingerprint of each endpoint when it was looked at as a whole."""
        self._configured = configuration.Published()
        self._mark: tuple[int, int, int] | None = None
        self._next_discovery = self._next_trust = 0.0
        self._connections = self._looks = 0
        self._take_policy()

    def _take_policy(self) -> None:
        settings = self._base.settings
        path = Path(settings.policy) if settings.policy else None
        policy = policyfile.load(path)
        self._base.work_by(policy)
        profiles = profiling.of_policy(policy, path.parent if path else Path())
        self._job = tlsscan.Job(
            endpoints.Found(), sites.Seen(), policy, __version__, profiles=profiles
        )
        self._context = Context(datetime.datetime.now(datetime.UTC))

    def turn(self) -> None:
        """Discover, ask what is due, take in what came."""
        if self._base.reloading:
            self._base.reloading = False
            self._take_policy()
            self._schedule.hurry(self._known, time.monotonic())
        now = time.monotonic()
        if now >= self._next_discovery:
            self._next_discovery = now + self._base.settings.tls.discover
            self._discover(now)
        for due in self._schedule.due(now):
            self._pool.submit(self._ask, due, self._known[due.key])
        self._take()
        self._base.care(
            {
                "endpoints": len(self._known),
                "looks": self._looks,
                "connections": self._connections,
            }
        )

    # Where to look

    def _discover(self, now: float) -> None:
        """Find the listeners, take what the files say of them, and plan."""
        self._read_configuration()
        exclude = self._job.policy.tls.exclude
        found = endpoints.discovered(exclude, self._memory, self._lister.look)
        self._job = self._job._replace(
            found=found, configured=sites.Seen(self._configured.configured)
        )
        self._known = {one.target.uri: one for one in tlsscan.named(self._job)}
        for key in self._schedule.keep(self._known, now):
            self._forget(key)
        for key in self._known:
            self._recall(key, now)

    def _recall(self, key: str, now: float) -> None:
        """Have an endpoint that was looked at before the last start asked cheaply first."""
        if key in self._prints:
            return
        row = self._base.ledger.base.execute(
            "SELECT looked, fingerprint FROM probes WHERE key = ? AND fingerprint != ''", (key,)
        ).fetchone()
        if row and 0 <= time.time() - row[0] < self._whole:
            self._prints[key] = row[1]
            self._schedule.known(key, time.time() - row[0], now)

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
                self._memory.forget(heard.listener)
            self._schedule.hurry(self._known, time.monotonic())

    def _ask_anew(self, target: Target) -> None:
        """Have the next discovery find out what a listener speaks that spoke TLS before."""
        for listener in (one.listener for one in self._job.found.heard):
            if (listener.door, listener.port) == (target.host, target.port):
                self._memory.forget(listener)

    def _forget(self, key: str) -> None:
        """Take in that nobody listens there any more."""
        self._seen.pop(key, None)
        self._prints.pop(key, None)
        self._note(key, Look())
        try:
            self._base.ledger.base.execute("DELETE FROM probes WHERE key = ?", (key,))
        except SQLITE_ERROR as error:
            self._base.faults["state"] = str(error)

    # Asking, in threads

    def _ask(self, due: Due, endpoint: Endpoint) -> None:
        try:
            self._asked.put(self._answer(due, endpoint))
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self._asked.put(error)
            self._asked.put(_Asked(due, "", None))

    def _answer(self, due: Due, endpoint: Endpoint) -> _Asked:
        target = endpoint.target
        pace = self._paces.of(target.host, target.port)
        dialer = Dialer(target, _SECONDS, 3, pace)
        found = fingerprint.fingerprint(dialer, target, os.urandom)
        if due.kind is Kind.FINGERPRINT and found and found == self._prints.get(due.key):
            return _Asked(due, found, None)
        guides = self._guides if due.kind is Kind.WHOLE else Guides()
        seen = tlsscan.look_at(self._job, endpoint, self._trusting(), self._paces, guides)
        return _Asked(due._replace(kind=Kind.WHOLE), found, seen)

    def _trusting(self) -> Context:
        """Give what certificates are judged by, read anew every hour."""
        now = datetime.datetime.now(datetime.UTC)
        if time.monotonic() >= self._next_trust:
            self._next_trust = time.monotonic() + _TRUST
            trust = roots.read()
            expiring = self._job.policy.tls.expiring
            self._context = Context(now, trust.trusted, expiring, trust.public)
        return self._context._replace(now=now)

    # Taking in

    def _take(self) -> None:
        """Wait a little for what was asked, and take it in."""
        end = time.monotonic() + _TURN
        while (left := end - time.monotonic()) > 0 and not self._base.stopping:
            try:
                asked = self._asked.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(asked, Exception):
                self._base.tell("look failed", type(asked).__name__)
            else:
                self._settle(asked)

    def _settle(self, asked: _Asked) -> None:
        self._schedule.done(asked.due, time.monotonic())
        key, seen = asked.due.key, asked.seen
        if seen is None or key not in self._known:
            return
        self._looks += 1
        self._connections += seen.facts.connections
        self._seen[key], self._prints[key] = seen, asked.fingerprint
        if not seen.facts.speaks_tls:
            self._ask_anew(seen.endpoint.target)
        try:
            with self._base.ledger.together():
                self._note(key, self._look(seen.settled, conclusive=not seen.unseen))
                self._base.ledger.base.execute(
                    "INSERT OR REPLACE INTO probes VALUES (?, ?, ?)",
                    (key, asked.fingerprint, time.time()),
                )
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
        today = datetime.datetime.now(datetime.UTC).date()
        findings, waived = suppress.waive(counted, policy.waivers, today)
        return Look(tuple(findings), (*disabled, *waived), conclusive)

    def _note(self, subject: str, look: Look) -> None:
        self._base.ledger.observe(subject, look, time.time())

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
