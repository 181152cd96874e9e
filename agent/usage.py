"""Measure what a role's processes use. EDGE."""

from __future__ import annotations

import contextlib
import os
import resource
from collections import deque
from typing import Final

_SPAN: Final = 60.0


def cpu() -> float:
    """Give the seconds of processor time of this process and its children, those at work too."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ended = sum(one.ru_utime + one.ru_stime for one in used)
    return round(ended + sum(map(_of, _children())), 3)


def memory() -> int:
    """Give the bytes of this process that are resident, 0 where that is not told."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def _children() -> list[int]:
    """List the live children; none where /proc may not be read, as in roles that start none."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as children:
                found += map(int, children.read().split())
    return found


def _of(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Load:
    """How much of one core was used over the last minute. Pure: time is an argument."""

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self._samples: deque[tuple[float, float]] = deque()

    def over(self, now: float, used: float) -> float:
        """Take seconds of processor time used so far; give percent, 0 at first."""
        self._samples.append((now, used))
        while len(self._samples) > 2 and now - self._samples[1][0] >= _SPAN:
            self._samples.popleft()
        then, before = self._samples[0]
        return round(100 * max(used - before, 0.0) / (now - then), 2) if now > then else 0.0
