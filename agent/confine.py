"""A process gives up the powers it does not need, by itself and for good. EDGE.

Units of systemd limit roles from outside; this holds where there are none, in containers, and for
the readers that a role starts. Files and TCP by Landlock, capabilities, system calls by a filter,
memory and descriptors by limits; where a kernel lacks something, that is said, and the rest holds.
"""

from __future__ import annotations

import contextlib
import os
import resource
from typing import Final

import msgspec

from agent import capabilities, landlock, seccomp, syscalls
from agent.capabilities import Capability  # noqa: TC001 - msgspec resolves it

_UMASK: Final = 0o027
_MIB: Final = 1024 * 1024
_REFUSE_EXEC_GAIN: Final = 1
_WRITABLE_RUNS: Final = "memory that was written may be run: not before Linux 6.3"
_FIRST: Final = 1000
"""Of all processes the first to be ended when memory runs out (proc(5), oom_score_adj)."""


class Confinement(msgspec.Struct, frozen=True, kw_only=True):
    """What a process may do from now on; beside it there is what it has open already.

    read, write, execute: folders with all below, or files; write includes read; connect: by TCP, to
    any port; bind: and take connections; sockets: folders to write, to bind local sockets in, and
    take connections there; links: to write, and lay symbolic links in; families: of sockets that
    may be made (socket(2)); udp: internet sockets other than TCP; fork: start processes, not only
    threads; pairs: make pairs of local sockets; memory: MiB of data; files: descriptors;
    expendable: ended before all others when memory runs
    out. Core dumps, new privileges, being traced: never. Files are made with nothing for others,
    and no write for the group.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    execute: tuple[str, ...] = ()
    connect: bool = False
    bind: bool = False
    sockets: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    families: tuple[int, ...] = ()
    udp: bool = False
    fork: bool = False
    pairs: bool = False
    capabilities: tuple[Capability, ...] = ()
    memory: int
    files: int
    expendable: bool = False


def confine(wanted: Confinement) -> list[str]:
    """Give up all that is not wanted; say in words what could not be applied here.

    Call it while there is one thread: another would keep its powers, which is said.
    """
    machine = os.uname().machine
    told = [*_threads(), *_limits(wanted)]
    os.umask(_UMASK)
    with contextlib.suppress(OSError):
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    told += landlock.restrict(_rules(wanted))
    told += capabilities.keep(wanted.capabilities, machine)
    told += _no_code()
    return [*told, *seccomp.restrict(_calls(wanted), machine)]


def missing() -> list[str]:
    """Say what this kernel cannot limit, and change nothing."""
    return [*landlock.missing(landlock.abi()), *seccomp.missing(os.uname().machine)]


def identities(wanted: Confinement) -> dict[str, tuple[int, int]]:
    """Give what tells the allowed paths from others of the same name.

    Once this is not what it was when the process was confined, it must begin again: a file that was
    replaced, as by a package or by who renews an address, is not the one that was allowed.
    """
    return landlock.identities(_rules(wanted))


def _rules(wanted: Confinement) -> landlock.Rules:
    return landlock.Rules(
        read=wanted.read,
        write=wanted.write,
        execute=wanted.execute,
        sockets=wanted.sockets,
        links=wanted.links,
        connect=wanted.connect,
        bind=wanted.bind,
    )


def _calls(wanted: Confinement) -> seccomp.Calls:
    return seccomp.Calls(
        execute=bool(wanted.execute),
        fork=wanted.fork,
        families=wanted.families,
        udp=wanted.udp,
        serve=wanted.bind or bool(wanted.sockets),
        pairs=wanted.pairs,
    )


def _threads() -> list[str]:
    others = len(os.listdir("/proc/self/task")) - 1 if os.path.isdir("/proc/self/task") else 0
    return [f"{others} other threads of this process keep their powers"] if others else []


def _limits(wanted: Confinement) -> list[str]:
    if wanted.expendable:
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write(str(_FIRST))
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, wanted.files)
    if not wanted.write:
        _lower(resource.RLIMIT_FSIZE, 0)
    used = _data()
    if used > wanted.memory * _MIB:
        return [f"memory: {used // _MIB} MiB are in use already: not limited"]
    _lower(resource.RLIMIT_DATA, wanted.memory * _MIB)
    return []


def _lower(what: int, most: int) -> None:
    """Lower a limit of this process, both kinds; one that is lower already stays."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _data() -> int:
    """Give the bytes that RLIMIT_DATA counts, 0 where /proc is not there."""
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0


def _no_code() -> list[str]:
    """Refuse memory that is both written and run, as systemd's MemoryDenyWriteExecute does."""
    try:
        syscalls.prctl(syscalls.PR_SET_MDWE, _REFUSE_EXEC_GAIN)
    except OSError:
        return [_WRITABLE_RUNS]
    return []
