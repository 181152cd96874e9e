"""The courier: takes what the other roles report to the sinks. EDGE.

It reaches the network and reads what the others publish; it reads no file of the host and holds no
token of Vault.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent import courier, hostid, journal, powers, sinks, snapshot
from agent.auditlog import AuditError
from agent.audittrail import Trail
from agent.courier import Carrier, Progress
from agent.ledger import LedgerError
from agent.policy import inforce
from agent.roles.base import Acknowledged, Base
from agent.rolestatus import STATUS, RoleStatus
from agent.settings import SettingsError
from agent.sinknotices import Notices
from agent.sinks import Board, Overview, SinkError
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from agent.daemon import Life
    from agent.events import Host
    from agent.roles.pulling import Pulling
    from agent.roles.walls import Walls
    from agent.settings import Settings

NAME: Final = "courier"
REPORTING: Final = ("watcher", "prober", "keeper", "mender", "supervisor", NAME)
"""Roles whose journals are taken."""
_TURN: Final = 0.5
_OFTEN: Final = 1.0
_QUIET: Final = 15.0
"""Seconds between two publications while something goes on, and more of them while nothing does."""
_PATIENCE: Final = 5.0
"""Seconds that sinks have to end what they do."""
_LOCAL: Final = {"local": {"kind": "file"}}
"""Where reports go if the bootstrap file names no sink that takes events."""


class Published(msgspec.Struct, frozen=True):
    """What `status` shows of the sinks."""

    sinks: tuple[Progress, ...] = ()


def run(settings: Settings, life: Life, walls: Walls | None = None) -> None:
    """Carry events until told to stop. walls: what this process is confined by, None if not."""
    base = Base(NAME, settings, walls)
    base.listen()
    base.lead(_Loop(base), life)


class _Loop:
    """The sinks, each with its carrier, and the boards."""

    def __init__(self, base: Base) -> None:
        self._base = base
        self._folders = [str(base.folder.parent / role / "journal") for role in REPORTING]
        self._run = secrets.token_hex(16)
        self._host = self._who()
        self._carriers: list[Carrier] = []
        self._boards: list[_Shown] = []
        self._unusable: list[str] = []
        self._notices = Notices()
        self._trail = Trail(base.ledger, Path(base.settings.state))
        self._next = self._next_heads = 0.0
        self._policy = _pulling(base, self._host) if base.settings.store.url else None
        self._written: tuple[int, ...] = ()
        """When each journal was written last, and how much each sink has."""
        self._told: tuple[int, ...] = ()
        """The same when it was published."""

    def start(self) -> None:
        """Open the sinks; one that cannot be used is a fault, the others work."""
        self._host = self._who()
        for name, raw in self._base.settings.sinks.items():
            self._open(name, dict(raw))
        if not self._carriers and not self._unusable:
            for name, raw in _LOCAL.items():
                self._open(name, dict(raw))
        for carrier in self._carriers:
            carrier.start()
        if self._policy is not None:
            self._policy.hurry()

    def _who(self) -> Host:
        """Say who speaks: this host, by this installation, in this run."""
        named = hostid.installation(self._base.folder)
        host = hostid.host(self._base.settings)
        return msgspec.structs.replace(host, installation=named, run=self._run)

    def _open(self, name: str, raw: dict[str, Any]) -> None:
        base = self._base
        try:
            made = sinks.make(name, raw, base.folder)
        except (SettingsError, SinkError) as error:
            self._unusable.append(name)
            base.faults[f"sink {name}"] = str(error)
            base.tell("sink unusable", f"{name}: {error}")
            return
        base.faults.pop(f"sink {name}", None)
        if isinstance(made, Board):
            self._boards.append(_Shown(name, made))
        else:
            self._carriers.append(Carrier(name, made, self._host, self._folders, base.folder))

    def turn(self) -> None:
        """Wake the carriers, and now and then say how far they are."""
        if self._base.reloading:
            self._base.reloading = False
            self.stop()
            self._carriers, self._boards, self._unusable = [], [], []
            self.start()
        busy = self._policy is not None and self._policy.busy
        time.sleep(inforce.TURN if busy else _TURN)
        self._pull()
        written = (*map(_changed, self._folders), *(one.delivered for one in self._progress()))
        if written != self._written:
            self._written = written
            for carrier in self._carriers:
                carrier.wake()
        now = time.monotonic()
        if now >= self._next and (written != self._told or now >= self._next + _QUIET):
            self._next, self._told = now + _OFTEN, written
            self._acknowledge()
            for notice in self._notices.of(self._progress(), time.monotonic()):
                self._base.tell(notice.state, notice.detail)
            self._show()
            self._audit()
        self._base.care({one.name: one.delivered for one in self._progress()})

    def _pull(self) -> None:
        """Take in what came from the store, and who speaks from now on in what is delivered."""
        if self._policy is None:
            return
        self._policy.turn(self._statuses() if self._policy.busy else {})
        if self._host.policy != self._policy.sha256:
            self._host = msgspec.structs.replace(self._host, policy=self._policy.sha256)
            for carrier in self._carriers:
                carrier.host = self._host

    def _progress(self) -> tuple[Progress, ...]:
        return tuple(one.progress for one in self._carriers)

    def _acknowledge(self) -> None:
        """Publish up to where all sinks are, so that the roles can forget it.

        A sink that cannot be used as it is set up is waited for: it is where it was.
        """
        known = {stream for folder in self._folders for stream in journal.streams(folder)}
        cursors = [one.cursors for one in self._carriers]
        cursors += [courier.stored(self._base.folder, name) for name in self._unusable]
        lowest = {
            stream: min((one.get(stream, 0) for one in cursors), default=0) for stream in known
        }
        folder = self._base.published
        try:
            snapshot.write(folder / "acknowledged", Acknowledged(lowest))
            snapshot.write(folder / "sinks", Published(self._progress()))
        except SnapshotError as error:
            self._base.faults["publish"] = str(error)
        else:
            self._base.faults.pop("publish", None)

    def _audit(self) -> None:
        """Report what every audit log says, and now and then how far each is."""
        try:
            self._trail.follow(time.time())
            if time.monotonic() >= self._next_heads:
                self._next_heads = time.monotonic() + self._base.settings.outbox.digest
                self._trail.heads(time.time())
            self._base.faults.pop("audit logs", None)
        except (AuditError, LedgerError) as error:
            self._base.faults["audit logs"] = str(error)

    def _show(self) -> None:
        """Let the boards that are due show how things stand."""
        due = [board for board in self._boards if time.monotonic() >= board.next]
        if not due:
            return
        overview = Overview(self._host, time.time(), self._statuses(), self._progress())
        for board in due:
            board.next = time.monotonic() + board.board.every
            what = f"sink {board.name}"
            if why := board.board.show(overview):
                self._base.faults[what] = why
            else:
                self._base.faults.pop(what, None)

    def _statuses(self) -> dict[str, RoleStatus]:
        """Give what each role published last; whose file is not right is left out."""
        settings = self._base.settings
        paths = {role: Path(powers.published(settings, role)) / STATUS for role in REPORTING}
        read = {role: snapshot.read(path, RoleStatus) for role, path in paths.items()}
        return {role: status for role, status in read.items() if status is not None}

    def stop(self) -> None:
        """End the carriers; what was not delivered stays in the journals."""
        for carrier in self._carriers:
            carrier.ask_to_stop()
        end = time.monotonic() + _PATIENCE
        for carrier in self._carriers:
            carrier.stop(max(end - time.monotonic(), 0.0))


class _Shown:
    """A board, and when it is to be shown something next."""

    def __init__(self, name: str, board: Board) -> None:
        self.name, self.board = name, board
        self.next = 0.0


def _pulling(base: Base, host: Host) -> Pulling:
    from agent.roles.pulling import Pulling  # heavy, and only with a store

    return Pulling(base, host)


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
