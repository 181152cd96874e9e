"""Keep this process's memory out of core dumps, debuggers and swap, as far as it goes. EDGE.

Called once in the process that is to hold secrets, before it gives up its other powers.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from typing import Final

from agent import syscalls

_LOCK_NOW: Final = 1
_LOCK_LATER: Final = 2
_LOCK_USED: Final = 4
"""MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT of mlockall(2), but for alpha, powerpc and sparc."""
_IN_MEMORY: Final = ("/dev/zram",)
"""Swap that is memory itself."""
_MOUNT: Final = "/sys/fs/cgroup"


def protect() -> list[str]:
    """Do it; say in words what was not possible, and what may happen therefore."""
    return [*_no_dumps(), *_no_swap()]


def swaps(table: str) -> list[str]:
    """Give the swap areas on disks that /proc/swaps names."""
    found = (line.split()[0] for line in table.splitlines()[1:] if line.strip())
    return [name for name in found if not name.startswith(_IN_MEMORY)]


def _no_dumps() -> list[str]:
    told = []
    # First: what is not dumpable may not write this about itself (proc(5)).
    with contextlib.suppress(OSError), open("/proc/self/coredump_filter", "w") as chosen:
        chosen.write("0")
    try:
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
    except OSError as error:
        told.append(f"memory: core dumps and debuggers are not kept out: {error.strerror}")
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    return told


def _no_swap() -> list[str]:
    """Lock all memory; where that may not be, say so if this host has swap that could take it."""
    if _locked() or _unswapped():
        return []
    areas = swaps(_read("/proc/swaps"))
    if not areas:
        return []
    return [
        f"memory: may be swapped to {', '.join(areas)}:"
        " give the unit MemorySwapMax=0 or LimitMEMLOCK=infinity"
    ]


def _locked() -> bool:
    """Lock what is used now and later.

    Only without a limit: one that is met later ends the process for want of memory.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if soft != resource.RLIM_INFINITY:
        return False
    lock = getattr(ctypes.CDLL(None), "mlockall", None)
    return lock is not None and lock(_LOCK_NOW | _LOCK_LATER | _LOCK_USED) == 0


def _unswapped() -> bool:
    """Say whether a control group above this process allows no swap (cgroups(7), version 2)."""
    lines = _read("/proc/self/cgroup").splitlines()
    group = next((line[3:] for line in lines if line.startswith("0::/")), "")
    while group.strip("/"):
        if _read(f"{_MOUNT}{group}/memory.swap.max").strip() == "0":
            return True
        group = os.path.dirname(group)
    return False


def _read(file: str) -> str:
    with contextlib.suppress(OSError), open(file, encoding="utf-8", errors="replace") as text:
        return text.read()
    return ""
