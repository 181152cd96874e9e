"""Read what the roles of this host published; no role has to answer for that. EDGE."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import hostid, powers, rolestatus, snapshot
from agent.policy import activating
from agent.policy.activating import Standing
from agent.rolestatus import Findings, RoleStatus
from agent.statusjudge import Gathered, Limits, Process, Read
from checks.errors import HygieneError

if TYPE_CHECKING:
    from agent.courier import Progress
    from agent.settings import Settings

_MIB: Final = 1024 * 1024
_MOST_STATUS: Final = 2 * _MIB
_MOST_FINDINGS: Final = 64 * _MIB
_MOST_SEGMENTS: Final = 100_000
_STARTED: Final = 2.0
"""Seconds that a process may seem younger than its role."""
_INOTIFY: Final = "/proc/sys/fs/inotify"


class UnreadableError(HygieneError):
    """A state folder of which nothing can be read."""


def gather(settings: Settings, only: str = "") -> Gathered:
    """Read everything, or what is of one role only; raises UnreadableError."""
    state = Path(settings.state)
    try:
        os.listdir(state)
    except OSError as error:
        hint = "\nhint: run it as root or as a member of the agent's group"
        raise UnreadableError(f"{state}: {error.strerror}{hint}") from error
    wanted = [only] if only else _wanted(settings)
    roles = [_role(settings, role) for role in wanted]
    if not only and (supervisor := _supervisor(settings, roles)):
        roles.append(supervisor)
    return Gathered(
        host=hostid.host(settings),
        settings=settings,
        roles=tuple(roles),
        sinks=_sinks(settings) if only in {"", "courier"} else None,
        limits=Limits(_number(f"{_INOTIFY}/max_user_watches"), _instances()),
        now=time.time(),
        store=_store(settings) if only in {"", "courier"} else None,
    )


def _store(settings: Settings) -> Standing | None:
    if not settings.store.url:
        return None
    path = _path(settings, "courier", activating.STANDING)
    return snapshot.read(path, Standing, most=_MOST_STATUS) or Standing(url=settings.store.url)


def _instances() -> int:
    return _number(f"{_INOTIFY}/max_user_instances")


def _wanted(settings: Settings) -> list[str]:
    """Name the roles that should run here, and those that published something."""
    switches = {
        "courier": True,
        "keeper": settings.keeps,
        "mender": bool(settings.mend.folders),
        "prober": settings.tls.enabled,
        "watcher": settings.watch.enabled,
    }
    wanted = {role for role, is_on in switches.items() if is_on}
    there = {role for role in powers.ROLES if _published(settings, role)}
    return sorted(wanted | there)


def _published(settings: Settings, role: str) -> bool:
    """Say whether a role that need not run did run, and was not told to stop."""
    read = _role(settings, role)
    return bool(read.error) or (read.status is not None and not read.status.stopped)


def _supervisor(settings: Settings, roles: list[Read]) -> Read | None:
    """Read the supervisor's; None where units start the roles, and it does not count."""
    read = _role(settings, powers.SUPERVISOR)
    if read.status is None:
        return read if read.error else None
    theirs = {one.role: one.status.pid for one in roles if one.status}
    started = any(read.status.numbers.get(role) == pid for role, pid in theirs.items())
    running = read.process is not Process.GONE and not read.status.stopped
    return read if started or running else None


def _role(settings: Settings, role: str) -> Read:
    path = _path(settings, role, rolestatus.STATUS)
    try:
        path.lstat()
    except FileNotFoundError:
        return Read(role)
    except OSError as error:
        return Read(role, error=f"{path}: {error.strerror}")
    status = snapshot.read(path, RoleStatus, most=_MOST_STATUS)
    if status is None or status.role != role:
        return Read(role, error=f"{path}: {_why(path)}")
    return Read(
        role,
        status,
        snapshot.read(_path(settings, role, rolestatus.FINDINGS), Findings, most=_MOST_FINDINGS),
        _process(status),
        outbox=_outbox(Path(powers.folder(settings, role)) / powers.JOURNAL),
    )


def _why(path: Path) -> str:
    """Say why a snapshot was not taken."""
    if not os.access(path, os.R_OK):
        return "permission denied"
    return "damaged, or of another version"


def _path(settings: Settings, role: str, name: str) -> Path:
    return Path(powers.published(settings, role)) / name


def _process(status: RoleStatus) -> Process:
    """Ask whether the process that published is still there, and still the same one."""
    if status.namespace != rolestatus.namespace() or not 0 < status.pid < 1 << 22:
        return Process.UNKNOWN
    try:
        os.kill(status.pid, 0)
    except ProcessLookupError:
        return Process.GONE
    except PermissionError:
        pass
    born = _born(status.pid)
    return Process.THERE if born is None or born <= status.at + _STARTED else Process.GONE


def _born(pid: int) -> float | None:
    """Give when a process started, in UTC since 1970; None where /proc does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        if fields[0] == "Z":
            return float("inf")
        ticks = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks
    return None


def _outbox(folder: Path) -> int:
    """Give the bytes of a journal."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for one, _ in zip(entries, range(_MOST_SEGMENTS), strict=False):
            with contextlib.suppress(OSError):
                size += one.stat(follow_symlinks=False).st_size
    return size


def _sinks(settings: Settings) -> tuple[Progress, ...] | None:
    from agent.roles.courier import Published

    told = snapshot.read(_path(settings, "courier", "sinks"), Published, most=_MOST_STATUS)
    return told.sinks if told else None


def _number(path: str) -> int:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
