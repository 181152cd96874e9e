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
    home,
    policychange,
    rolestatus,
    rulecache,
    setup,
    usage,
)
from agent.ledger import LedgerError
from agent.policy.inforce import InForce
from agent.readers import Readers
from agent.roles.attesting import Attesting
from agent.roles.base import Base
from agent.roles.comparing import Comparing
from agent.roles.managing import Managing
from agent.roles.surveying import Survey
from agent.waiving import Waivers, today
from agent.watch.budget import Processor, Shares
from agent.watch.coverage import Coverage
from agent.watch.intake import Rules
from agent.watch.kernel import Kernel
from agent.watch.mounts import Mounts
from agent.watch.watcher import Parts, Watcher
from checks import catalog, files, ignore, keyfiles
from checks.inspect import Inspector
from checks.scan import Scanner
from checks.scanned import Orders, Result

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from agent.daemon import Life
    from agent.events import Gap
    from agent.policyfile import Holding
    from agent.roles.walls import Walls
    from agent.settings import Settings
    from checks.policy import Policy

NAME: Final = "watcher"
_MIB: Final = 1024 * 1024
_IDLE: Final = 1.0
_READERS: Final = 2


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
        self._survey = Survey(base, readings.surveyor, clock)
        self._managing = Managing(base, readings.surveyor, clock)
        self._attesting = Attesting(base, readings.surveyor, clock)
        self._comparing = Comparing(base)
        self._waivers = Waivers(base.ledger)
        self._kernel, self._mounts = _kernel(base.settings), Mounts()
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
        self._survey.work_by(policy)
        self._managing.work_by(policy)
        self._attesting.work_by(policy)
        self._readers = Readers(
            self._looking(),
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
        self._watcher.turn(self._managing.pause(self._inforce.pause(_IDLE)))
        self._base.seen = self._watcher.seen
        if not self._told_ready and self._watcher.complete:
            self._told_ready = True
            life.ready()
        if time.monotonic() - self._swept > self._base.settings.watch.sweep:
            self._swept = time.monotonic()
            self._judge()
            self._watcher.everything(reason="", since=0)
            self._survey.again()
        changed, self._watcher.changed = self._watcher.changed, []
        self._survey.turn(changed, self._watcher.keys)
        self._managing.turn()
        self._attesting.turn()
        self._compare(changed)
        self._weigh()
        self._coverage.retry()
        self._count()
        self._base.care(self._numbers, self._gaps)
        self._base.beat(life)

    def _compare(self, changed: list[str]) -> None:
        """Let the keeper know what was found, by the key that it made."""
        if self._comparing.changed():
            self._readers.look_by(self._looking())
        if changed:
            self._comparing.touch()
        self._comparing.turn(self._watcher, self._survey.served)

    def _looking(self) -> Callable[[files.Opened, Result], None]:
        """Give what a reader does with a file now."""
        scanner, key = self._plan_now.scanner, self._comparing.key
        return looking(scanner.beside(key) if key else scanner)

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
        self._kernel = _kernel(self._base.settings)
        self._wire(plan)
        self._judge()
        self._watcher.everything(reason="policy changed", since=since)
        self._base.tell("reloaded")

    def close(self) -> None:
        self._survey.close()
        self._managing.close()
        self._attesting.close()
        self._readers.close()
        self._kernel.close()
        self._mounts.close()


def looking(scanner: Scanner) -> Callable[[files.Opened, Result], None]:
    """Give what a reader does with a file: look at it, and read the certificate in it."""

    def look(opened: files.Opened, result: Result) -> None:
        scanner.opened(opened, result)
        if any(path == opened.path for path, _ in result.certificates):
            data = os.pread(opened.descriptor, _MIB, 0)
            result.certificates = [(opened.path, keyfiles.first_certificate(data))]

    return look


def _kernel(settings: Settings) -> Kernel:
    """Listen for no more than half of the budget: who makes noise leaves the rest for looking."""
    percent = settings.budget.cpu / 2
    return Kernel(lambda: Processor(percent, time.thread_time, time.monotonic()))


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
    told = ignore.matcher((*settings.watch.exclude, *policy.files.exclude, *own))
    assert told is not None

    def leave_out(path: str) -> bool:
        return told.match(path) is not None or path in mounts.pseudo

    return leave_out
