"""The watcher: sees every file change, and reports what stands in the files. EDGE.

It opens files and keeps state; it parses nothing that it opened: readers without any power do. It
needs CAP_DAC_READ_SEARCH, and no network.
"""

from __future__ import annotations

import datetime
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import home, rulecache, setup
from agent.readers import Readers
from agent.roles.base import Base
from agent.watch.budget import Shares
from agent.watch.coverage import Coverage
from agent.watch.kernel import Kernel
from agent.watch.watcher import Parts, Watcher
from checks import catalog, files
from checks.inspect import Inspector
from checks.scan import Orders, Scanner

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.daemon import Life
    from agent.settings import Settings
    from checks.policy import Policy

NAME: Final = "watcher"
_MIB: Final = 1024 * 1024
_IDLE: Final = 1.0
_READERS: Final = 2


def run(settings: Settings, life: Life, confine: Callable[[], None]) -> None:
    """Watch until told to stop. confine: what a reader does before its first file."""
    base = Base(NAME, settings)
    base.listen()
    loop = _Loop(base, confine)
    try:
        loop.begin()
        while not base.stopping:
            loop.turn(life)
    finally:
        loop.close()
        base.close()


class _Loop:
    """The watcher's loop, made anew when the policy changes."""

    def __init__(self, base: Base, confine: Callable[[], None]) -> None:
        self._base, self._confine = base, confine
        self._kernel = Kernel()
        self._coverage = Coverage(base.ledger)
        self._swept = time.monotonic()
        self._told_ready = False
        self._wire()

    def _wire(self) -> None:
        """Make readers and watcher by the policy that holds now."""
        settings = self._base.settings
        policy = setup.load_policy(Path(settings.policy) if settings.policy else None)
        scanner = _scanner(settings, policy)
        self._readers = Readers(
            scanner.opened, self._confine, seconds=policy.files.seconds_per_file, most=_READERS
        )
        budget = settings.budget
        self._watcher = Watcher(
            Parts(
                roots=tuple(root for root in settings.watch.roots if os.path.isdir(root)),
                leave_out=_left_out(settings, policy),
                follow_links=settings.watch.links,
                ledger=self._base.ledger,
                coverage=self._coverage,
                kernel=self._kernel,
                readers=self._readers,
                shares=Shares(budget.read * _MIB, budget.owner * _MIB, time.monotonic()),
                waivers=policy.waivers,
                today=_today,
            )
        )

    def begin(self) -> None:
        """Walk everything; what happened while nobody watched is a gap until that is done."""
        since = self._base.last_alive
        fresh = self._base.fresh
        self._watcher.everything(reason="" if fresh else "agent was not running", since=since)

    def turn(self, life: Life) -> None:
        """Go through the loop once; ready when everything there is has a watch."""
        if self._base.reloading:
            self._reload()
        self._watcher.turn(_IDLE)
        if not self._told_ready and not self._watcher.walking:
            self._told_ready = True
            life.ready()
        if time.monotonic() - self._swept > self._base.settings.watch.sweep:
            self._swept = time.monotonic()
            self._watcher.everything(reason="", since=0)
        self._base.care(self._watcher.numbers, tuple(self._coverage.all()))
        self._base.beat(life)

    def _reload(self) -> None:
        """Take the policy that holds now: every file is looked at again by it."""
        self._base.reloading = False
        self._readers.close()
        self._kernel.close()
        self._kernel = Kernel()
        self._wire()
        self._watcher.forget_looks()
        self._watcher.everything(reason="policy changed", since=time.time())
        self._base.tell("reloaded")

    def close(self) -> None:
        self._readers.close()
        self._kernel.close()


def _scanner(settings: Settings, policy: Policy) -> Scanner:
    state = Path(settings.state) / NAME
    key, _ = home.host_key(state)
    beside = Path(settings.policy).parent
    texts = setup.rule_texts([beside / name for name in policy.secrets.rules])
    matching = rulecache.load(texts, state)
    orders = Orders(policy, (key,), marks=bool(policy.marks))
    return Scanner(Inspector(matching.engine, catalog.Formats(matching.formats)), orders)


def _left_out(settings: Settings, policy: Policy) -> Callable[[str], bool]:
    """Say which paths are not looked at: excluded ones, our own, file systems of the kernel."""
    own = (settings.state, f"{settings.state.rstrip('/')}/*")
    told = files.matcher((*settings.watch.exclude, *policy.files.exclude, *own))
    pseudo = files.pseudo_mounts()
    assert told is not None

    def leave_out(path: str) -> bool:
        return told.match(path) is not None or path in pseudo

    return leave_out


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
