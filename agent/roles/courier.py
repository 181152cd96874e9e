"""The courier: takes what the other roles report to the sinks. EDGE.

It reaches the network and reads what the others publish; it reads no file of the host and holds no
token of Vault.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import msgspec

from agent import hostid, journal, sinks, snapshot
from agent.courier import Carrier, Progress
from agent.roles.base import Acknowledged, Base
from agent.settings import SettingsError
from agent.sinks import SinkError
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from agent.daemon import Life
    from agent.settings import Settings

NAME: Final = "courier"
REPORTING: Final = ("watcher", "prober", "keeper", "supervisor", NAME)
"""Roles whose journals are taken."""
_TURN: Final = 0.5
_AWAY: Final = 300.0
"""Seconds after which a sink that fails is reported, and again when it is back."""
_LOCAL: Final = {"local": {"kind": "file"}}
"""Where reports go if the bootstrap file names no sink."""


class Published(msgspec.Struct, frozen=True):
    """What `status` shows of the sinks."""

    sinks: tuple[Progress, ...] = ()


def run(settings: Settings, life: Life) -> None:
    """Carry events until told to stop."""
    base = Base(NAME, settings)
    base.listen()
    loop = _Loop(base)
    try:
        loop.start()
        life.ready()
        while not base.stopping:
            loop.turn()
            base.beat(life)
    finally:
        loop.stop()
        base.close()


class _Loop:
    """The sinks, each with its carrier."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._folders = [str(base.folder.parent / role / "journal") for role in REPORTING]
        self._carriers: list[Carrier] = []
        self._away: set[str] = set()
        self._next = 0.0
        self._written: list[int] = []
        """When each journal was written last."""

    def start(self) -> None:
        """Open the sinks; one that cannot be used is a fault, the others work."""
        host = hostid.host(self._base.settings)
        told = self._base.settings.sinks or _LOCAL
        for name, raw in told.items():
            try:
                sink = sinks.make(name, dict(raw), self._base.folder)
            except (SettingsError, SinkError) as error:
                self._base.faults[f"sink {name}"] = str(error)
                self._base.tell("sink unusable", f"{name}: {error}")
                continue
            self._carriers.append(Carrier(name, sink, host, self._folders, self._base.folder))
        for carrier in self._carriers:
            carrier.start()

    def turn(self) -> None:
        """Wake the carriers, and now and then say how far they are."""
        if self._base.reloading:
            self._base.reloading = False
            self.stop()
            self._carriers = []
            self.start()
        time.sleep(_TURN)
        written = [_changed(folder) for folder in self._folders]
        if written != self._written:
            self._written = written
            for carrier in self._carriers:
                carrier.wake()
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + 1.0
            self._acknowledge()
            self._notice()
        delivered = {one.progress.name: one.progress.delivered for one in self._carriers}
        self._base.care(delivered)

    def _acknowledge(self) -> None:
        """Publish up to where all sinks are, so that the roles can forget it."""
        known = {stream for folder in self._folders for stream in journal.streams(folder)}
        lowest = {
            stream: min((one.cursors.get(stream, 0) for one in self._carriers), default=0)
            for stream in known
        }
        folder = self._base.published
        try:
            snapshot.write(folder / "acknowledged", Acknowledged(lowest))
            snapshot.write(
                folder / "sinks", Published(tuple(one.progress for one in self._carriers))
            )
        except SnapshotError as error:
            self._base.faults["publish"] = str(error)
        else:
            self._base.faults.pop("publish", None)

    def _notice(self) -> None:
        """Report a sink that has been away for a while, and that it is back."""
        now = time.time()
        for progress in (one.progress for one in self._carriers):
            away = bool(progress.failing) and now - progress.since > _AWAY
            if away and progress.name not in self._away:
                self._away.add(progress.name)
                self._base.tell("sink away", f"{progress.name}: {progress.failing}")
            elif not progress.failing and progress.name in self._away:
                self._away.discard(progress.name)
                self._base.tell("sink back", progress.name)

    def stop(self) -> None:
        """End the carriers; what was not delivered stays in the journals."""
        for carrier in self._carriers:
            carrier.stop(5.0)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
