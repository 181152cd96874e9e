"""A watcher over real folders, with the real scanner behind it; and the oracle of what it told."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from agent import ledger as ledgers
from agent import rulecache, setup, usage
from agent.events import Kind
from agent.ledger import Ledger
from agent.readers import Readers
from agent.roles import watcher
from agent.watch.budget import Processor, Shares
from agent.watch.coverage import Coverage
from agent.watch.intake import Rules
from agent.watch.kernel import Kernel
from agent.watch.mounts import Mounts
from agent.watch.watcher import Parts, Watcher
from checks import catalog, ignore
from checks.inspect import Inspector
from checks.policy import Policy
from checks.redact import FingerprintKey
from checks.scan import Scanner
from checks.scanned import Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.events import Event
    from checks.model import Finding


PATIENCE: Final = 60.0
"""Seconds in which what another process does is done, however busy the machine is."""
_QUEUE: Final = "/proc/sys/fs/inotify/max_queued_events"


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder whose path does not say that all in it is a test's."""
    with tempfile.TemporaryDirectory(prefix="watched-") as name:
        yield Path(name).resolve()


@pytest.fixture
def quiet() -> Iterator[Path]:
    """A folder of which the kernel tells nothing but what its test does; for one test at a time.

    All folders above a root are heard too, and in that of `root` everybody makes files.
    """
    lock = os.path.join(tempfile.gettempdir(), "quiet-folder.lock")
    with open(lock, "w", encoding="ascii") as one:
        fcntl.flock(one, fcntl.LOCK_EX)
        with tempfile.TemporaryDirectory(prefix="watched-", dir="/var/tmp") as name:
            yield Path(name).resolve()


@pytest.fixture(scope="session")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Scanner:
    matching = rulecache.load(setup.rule_texts(()), tmp_path_factory.mktemp("rules"))
    orders = Orders(Policy(), (FingerprintKey(b"k" * 32),))
    return Scanner(Inspector(matching.engine, catalog.Formats(matching.formats)), orders)


class Plant:
    """Writes files with a password each, and knows which ones it wrote."""

    def __init__(self) -> None:
        self.planted: dict[str, None] = {}

    def __call__(self, path: Path | str) -> None:
        """Write one at once."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(descriptor, f"db:\n  password: Pw{secrets.token_urlsafe(15)}x1Q\n".encode())
        os.close(descriptor)
        self.planted[str(path)] = None


@pytest.fixture
def plant() -> Plant:
    return Plant()


class Used:
    """What somebody is told that it used: so much that it rests for hours, or nothing."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told = 0.0

    def __call__(self) -> float:
        self.told = self.seconds
        return self.seconds

    def up(self) -> None:
        """Use up everything."""
        self.seconds = 10_000

    def down(self) -> None:
        """Have used nothing after all."""
        self.seconds = 0

    def processor(self) -> Processor:
        return Processor(100, self, time.monotonic())


class Watching:
    """A watcher and everything it needs; it runs only while a test waits for something."""

    def __init__(self, root: Path, state: Path, scanner: Scanner, **changes: object) -> None:
        self.ledger = Ledger(str(state / "state.sqlite"), "watcher")
        self.hearing = Used()
        self.kernel, self.mounts = Kernel(self.hearing.processor), Mounts()
        self.readers = Readers(watcher.looking(scanner), lambda: None, seconds=20, most=2)
        excluded = ignore.matcher(("*/left-out/*",))
        assert excluded is not None
        parts = Parts(
            roots=(str(root),),
            leave_out=lambda path: excluded.match(path) is not None,
            follow_links=True,
            ledger=self.ledger,
            coverage=Coverage(self.ledger),
            kernel=self.kernel,
            mounts=self.mounts,
            readers=self.readers,
            shares=Shares(1 << 30, 1 << 30, time.monotonic()),
            processor=Processor(6400, usage.cpu, time.monotonic()),
            rules=Rules((), lambda: datetime.date(2026, 11, 22), scanner.fault),
        )
        self.watcher = Watcher(parts._replace(**changes))  # type: ignore[arg-type]  # by name
        self.watcher.everything(reason="", since=0)

    def rest(self, seconds: float = PATIENCE) -> None:
        """Run until there is nothing to do, and a little longer."""
        end = time.monotonic() + seconds
        quiet = 0
        while quiet < 3:
            assert time.monotonic() < end, self.watcher.numbers
            self.watcher.turn(0.03)
            quiet = quiet + 1 if self.watcher.idle else 0

    def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, self.watcher.numbers
            self.watcher.turn(0.03)

    @property
    def events(self) -> list[Event]:
        return ledgers.told(self.ledger.waiting(1_000_000))

    @property
    def open(self) -> set[str]:
        """The paths of the findings that are open by the events alone."""
        return {finding.location.path for finding in self._standing()}

    @property
    def checks(self) -> set[str]:
        """Their checks."""
        return {finding.check for finding in self._standing()}

    def _standing(self) -> list[Finding]:
        standing: dict[str, Finding] = {}
        for event in self.events:
            if event.finding is not None:
                standing.pop(event.finding.identity, None)
                if event.kind in {Kind.OPENED, Kind.CHANGED}:
                    standing[event.finding.identity] = event.finding
        return list(standing.values())

    def deafen(self, place: Path) -> None:
        """Leave what happens in the kernel, once it was told of a few changes of a file."""
        self.hearing.up()
        while not self.hearing.told:  # it is asked for now and then, between two events
            place.touch()
            time.sleep(0.01)

    def close(self) -> None:
        self.readers.close()
        self.kernel.close()
        self.mounts.close()
        self.ledger.close()


@pytest.fixture
def watch(tmp_path: Path, scanner: Scanner) -> Iterator[Callable[..., Watching]]:
    """Give a function that starts a watcher of a folder, with changes to its parts by name."""
    running: list[Watching] = []

    def start(root: Path, **changes: object) -> Watching:
        while running:
            running.pop().close()
        running.append(Watching(root, tmp_path, scanner, **changes))
        return running[-1]

    yield start
    while running:
        running.pop().close()


@contextlib.contextmanager
def short_queue(events: int) -> Iterator[None]:
    """Give who begins to listen within a short queue of events; for a test that has `quiet`."""
    with open(_QUEUE, "r+", encoding="ascii") as setting:
        before = setting.read()
        setting.seek(0)
        setting.write(str(events))
        setting.flush()
        try:
            yield
        finally:
            setting.seek(0)
            setting.write(before)
            setting.flush()
