"""Say whether a file system is in memory only, and whether it may be swapped to a disk. EDGE."""

from __future__ import annotations

import ctypes
from typing import Final

from agent.vault import memory
from checks.tls import procfs

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_KINDS: Final = {0x01021994: "tmpfs", 0x858458F6: "ramfs"}
"""TMPFS_MAGIC, RAMFS_MAGIC (linux/magic.h)."""
_STATFS: Final = 256
"""Bytes, more than struct statfs has; it begins with the type, a word (statfs(2))."""


def kind(folder: int) -> str:
    """Give "tmpfs" or "ramfs" for an open file or folder, "" for what may be on a disk."""
    told = (ctypes.c_long * (_STATFS // ctypes.sizeof(ctypes.c_long)))()
    if _LIBC.fstatfs(ctypes.c_int(folder), told):
        return ""
    return _KINDS.get(told[0] & 0xFFFFFFFF, "")


def swapped(folder: int) -> str:
    """Say in words how what is in it may get to a disk, "" where it cannot.

    ramfs is never swapped, nor is a tmpfs mounted with noswap (Linux 6.4; tmpfs(5)).
    """
    if kind(folder) == "ramfs" or "noswap" in _options(folder):
        return ""
    table = procfs.text("/proc/swaps")
    if not table:
        return "whether it may be swapped to a disk cannot be seen: /proc/swaps cannot be read"
    areas = memory.swaps(table)
    if not areas:
        return ""
    return f"tmpfs may be swapped to {', '.join(areas)}: mount it with noswap, or use ramfs"


def _options(folder: int) -> list[str]:
    """Give the options of the file system that a descriptor is on (proc(5), mountinfo)."""
    lines = procfs.text(f"/proc/self/fdinfo/{folder}").splitlines()
    number = next((line.split()[1] for line in lines if line.startswith("mnt_id:")), "")
    with_number = f"{number} "
    table = procfs.content("/proc/self/mountinfo").decode("utf-8", "replace")
    for line in table.splitlines():
        _, dash, behind = line.partition(" - ")
        if dash and line.startswith(with_number):
            return behind.split()[-1].split(",")
    return []
