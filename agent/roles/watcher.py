"""The watcher: sees every file change, and reports what stands in the files. EDGE.

It opens files and keeps state; it parses nothing that it opened: readers without any power do. It
needs CAP_DAC_READ_SEARCH, and no network.
"""

from __future__ import annotations

import glob
import hashlib
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import (
    __version__,
    configuration,
    home,
    policychange,
    rolestatus,
    rulecache,
    setup,
    snapshot,
    usage,
)
from agent.findings import Look
from agent.ledger import LedgerError
from agent.policy.inforce import InForce
from agent.readers import Readers
from agent.roles.base import Base
from agent.snapshot import SnapshotError
from agent.waiving import Waivers, today
from agent.watch.budget import Processor, Shares
from agent.watch.coverage import Coverage
from agent.watch.intake import Rules
from agent.watch.kernel import Kernel
from agent.watch.mounts import Mounts
from agent.watch.watcher import Parts, Watcher
from checks import catalog, files, keyfiles, suppress
from checks.inspect import Inspector
from checks.scan import Orders, Result, Scanner

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.daemon import Life
    from agent.events import Gap
    from agent.policyfile import Holding
    from agent.roles.walls import Walls
    from agent.settings import Settings
    from checks.policy import Policy, Waiver

NAME: Final = "watcher"
_MIB: Final = 1024 * 1024
_IDLE: Final = 1.0
_READERS: Final = 2
_GATHER: Final = 1.0
"""Seconds to wait for further changes of configuration."""
_RETRY: Final = 60.0
_FILES: Final = "keys of servers"
"""The subject of what is wrong with the keys that server configuration names."""


class Readings(NamedTuple):
    """How readers give up their power: of files, and of what the servers' files say."""

    reader: Callable[[], None]
    surveyor: Callable[[], None]


def run(
    settings: Settings,
    life: Life,
    readings: Readings,
    walls: Walls | None = None,
    clock: Callable[[], datetime.date] = today,
) -> None:
    """Watch until told to stop. walls: how this process is confined, None where it is not.

    clock: says which day it is.
    """
    base = Base(NAME, settings, walls)
    base.listen()
    loop = _Loop(base, readings, clock)
    try:
        loop.begin()
        while not base.stopping:
            loop.turn(life)
    finally:
        loop.close()
        base.close()


class _Plan(NamedTuple):
    """How files are judged. basis: what tells it from another."""

    policy: Policy
    scanner: Scanner
    basis: str


class _Loop:
    """The watcher's loop, made anew when the policy changes."""

    def __init__(self, base: Base, readings: Readings, clock: Callable[[], datetime.date]) -> None:
        self._base, self._readings, self._clock = base, readings, clock
        self._survey = _Survey(base, readings.surveyor, clock)
        self._waivers = Waivers(base.ledger)
        self._kernel, self._mounts = Kernel(), Mounts()
        self._coverage = Coverage(base.ledger)
        self._swept = time.monotonic()
        self._told_ready = False
        self._numbers: dict[str, int] = {}
        self._gaps: tuple[Gap, ...] = ()
        self._counted = -math.inf
        self._inforce = InForce(base, self._plan)
        self._wire(self._inforce.first())

    def _plan(self, holding: Holding) -> _Plan:
        """Make what a policy takes; raises HygieneError for one that cannot be used."""
        settings, policy = self._base.settings, holding.policy
        texts = setup.rule_texts(setup.policy_rules(policy, holding.beside))
        return _Plan(policy, _scanner(settings, policy, texts), _basis(policy, texts))

    def _wire(self, plan: _Plan) -> None:
        """Make readers and watcher by a policy."""
        settings, policy, scanner = self._base.settings, plan.policy, plan.scanner
        self._plan_now = plan
        self._waivers.work_by(policy.waivers)
        self._survey.work_by(policy.waivers)
        self._readers = Readers(
            looking(scanner),
            self._readings.reader,
            seconds=policy.files.seconds_per_file,
            most=_READERS,
        )
        budget = settings.budget
        self._watcher = Watcher(
            Parts(
                roots=settings.watch.roots,
                leave_out=_left_out(settings, policy, self._mounts),
                follow_links=settings.watch.links,
                ledger=self._base.ledger,
                coverage=self._coverage,
                kernel=self._kernel,
                mounts=self._mounts,
                readers=self._readers,
                shares=Shares(budget.read * _MIB, budget.owner * _MIB, time.monotonic()),
                processor=Processor(budget.cpu, usage.cpu, time.monotonic()),
                rules=Rules(policy.waivers, self._clock, scanner.fault),
            )
        )

    def begin(self) -> None:
        """Walk everything; what happened while nobody watched is a gap until that is done."""
        since = self._base.last_alive
        fresh = self._base.fresh
        self._judge()
        self._watcher.everything(reason="" if fresh else "agent was not running", since=since)

    def turn(self, life: Life) -> None:
        """Go through the loop once; ready when everything there is has a watch."""
        if (plan := self._inforce.turn()) is not None:
            self._switch(plan)
        self._watcher.turn(self._inforce.pause(_IDLE))
        self._base.seen = self._watcher.seen
        if not self._told_ready and not self._watcher.walking:
            self._told_ready = True
            life.ready()
        if time.monotonic() - self._swept > self._base.settings.watch.sweep:
            self._swept = time.monotonic()
            self._judge()
            self._watcher.everything(reason="", since=0)
            self._survey.again()
        changed, self._watcher.changed = self._watcher.changed, []
        self._survey.turn(changed)
        self._weigh()
        self._coverage.retry()
        self._count()
        self._base.care(self._numbers, self._gaps)
        self._base.beat(life)

    def _judge(self) -> None:
        """Have every file looked at again where it would be judged otherwise than it was.

        By another policy, by other rules or another version of this program; whenever that came to
        be.
        """
        try:
            self._watcher.judge_by(self._plan_now.basis)
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def _weigh(self) -> None:
        """Let findings count from the day on which their waiver does not hold any more."""
        try:
            self._waivers.turn(self._clock(), time.time())
        except LedgerError as error:
            self._base.faults["state"] = str(error)

    def _count(self) -> None:
        """Take the numbers and gaps anew now and then: there may be very many."""
        if time.monotonic() - self._counted >= rolestatus.INTERVAL:
            self._counted = time.monotonic()
            self._numbers, self._gaps = self._watcher.numbers, tuple(self._coverage.all())

    def _switch(self, plan: _Plan) -> None:
        """Work by another policy from now on."""
        since = time.time()
        self._readers.close()
        self._kernel.close()
        self._kernel = Kernel()
        self._wire(plan)
        self._judge()
        self._watcher.everything(reason="policy changed", since=since)
        self._base.tell("reloaded")

    def close(self) -> None:
        self._survey.close()
        self._readers.close()
        self._kernel.close()
        self._mounts.close()


class _Survey:
    """Keeps what the servers' files say published, for the prober."""

    def __init__(
        self, base: Base, confine: Callable[[], None], clock: Callable[[], datetime.date]
    ) -> None:
        self._base, self._confine, self._clock = base, confine, clock
        self._reading: configuration.Reading | None = None
        self._waivers: tuple[Waiver, ...] = ()
        self._due = time.monotonic()

    def work_by(self, waivers: tuple[Waiver, ...]) -> None:
        """Take the waivers that the next look is weighed by."""
        self._waivers = waivers

    def again(self) -> None:
        """Read the files anew before long."""
        self._due = min(self._due, time.monotonic() + _GATHER)

    def turn(self, changed: list[str]) -> None:
        """Begin to read when it is due, and publish what was read."""
        if any(path.startswith(configuration.FOLDERS) for path in changed):
            self.again()
        try:
            if self._reading is None and time.monotonic() >= self._due:
                self._due = math.inf
                self._reading = configuration.begin(self._confine)
            elif self._reading is not None:
                self._take(self._reading)
        except (configuration.ConfigurationError, SnapshotError, LedgerError) as error:
            self._reading = None
            self._due = time.monotonic() + _RETRY
            self._base.faults["configuration"] = str(error)

    def _take(self, reading: configuration.Reading) -> None:
        published = configuration.take(reading)
        if published is None:
            return
        self._reading = None
        snapshot.write(self._base.published / configuration.FILE, published)
        counted, waived = suppress.waive(published.keys, self._waivers, self._clock())
        look = Look(tuple(counted), tuple(waived), conclusive=not published.unseen)
        self._base.ledger.observe(_FILES, look, time.time())
        self._base.faults.pop("configuration", None)

    def close(self) -> None:
        if self._reading is not None:
            configuration.end(self._reading)


def looking(scanner: Scanner) -> Callable[[files.Opened, Result], None]:
    """Give what a reader does with a file: look at it, and read the certificate in it."""

    def look(opened: files.Opened, result: Result) -> None:
        scanner.opened(opened, result)
        if any(path == opened.path for path, _ in result.certificates):
            data = os.pread(opened.descriptor, _MIB, 0)
            result.certificates = [(opened.path, keyfiles.first_certificate(data))]

    return look


def _basis(policy: Policy, texts: list[tuple[str, str]]) -> str:
    """Give what tells one way of judging files from another."""
    parts = [__version__, catalog.key(), policychange.digest(policy)]
    return _digest([*parts, *(text for _, text in texts)])


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _scanner(settings: Settings, policy: Policy, texts: list[tuple[str, str]]) -> Scanner:
    state = Path(settings.state) / NAME
    key, _ = home.host_key(state)
    matching = rulecache.load(texts, state, apart=True)
    orders = Orders(policy, (key,), marks=bool(policy.marks), roots=settings.watch.roots)
    return Scanner(Inspector(matching.engine, catalog.Formats(matching.formats)), orders)


def _left_out(settings: Settings, policy: Policy, mounts: Mounts) -> Callable[[str], bool]:
    """Say which paths are not looked at: excluded ones, our own, file systems of the kernel."""
    states = {settings.state.rstrip("/"), os.path.realpath(settings.state)}
    own = [one for state in map(glob.escape, states) for one in (state, f"{state}/*")]
    told = files.matcher((*settings.watch.exclude, *policy.files.exclude, *own))
    assert told is not None

    def leave_out(path: str) -> bool:
        return told.match(path) is not None or path in mounts.pseudo

    return leave_out
