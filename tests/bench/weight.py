"""Weigh processes: the memory that they hold together, and the processor time they used."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) (\S+ \d+)")


def pss(pid: int) -> int:
    """Give the bytes a process holds; what several share is divided among them."""
    return _rolled(pid, "Pss")


def rss(pid: int) -> int:
    """Give the bytes a process holds, what it shares with others counted whole."""
    return _rolled(pid, "Rss")


def _rolled(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def alone(pids: Iterable[int]) -> int:
    """Give the bytes that processes hold together where nothing else uses the same files.

    Each piece of a file counts once, whoever else on this host has it too.
    """
    own, shared = 0, dict[tuple[str, ...], int]()
    for pid in pids:
        own += _rolled(pid, "Pss_Anon")
        piece: tuple[str, ...] = ()
        resident = 0
        for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
            if found := _MAPPING.match(line):
                piece = found.groups()
            elif line.startswith("Rss:"):
                resident = int(line.split()[1]) * 1024
            elif line.startswith("Anonymous:"):
                anonymous = int(line.split()[1]) * 1024
                shared[piece] = max(shared.get(piece, 0), resident - anonymous)
    return own + sum(shared.values())


def processor(pids: Iterable[int]) -> float:
    """Give the seconds of processor time of processes and of their children that ended."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
