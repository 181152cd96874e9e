"""What a process does that looks at hostile content: limits, a clock, outcomes. EDGE."""

from __future__ import annotations

import gc
import math
import mmap
import os
import resource
import signal
import time
from typing import TYPE_CHECKING, Final

from agent import faults
from checks.model import Inconclusive
from checks.scanned import Result

if TYPE_CHECKING:
    from collections.abc import Callable

_TICKS: Final = 12
"""So often within an item's time, and on and on behind it, a worker looks at the clock: an alarm
may be lost inside a library's callback, and one for each item would cost as much as a small file.
"""
_MEMORY: Final = 1536 * 1024 * 1024
_YOUNG: Final = 20_000
"""So many new objects before a worker looks for cycles among them; it makes next to none."""
SLOW: Final = "took too long"
CRASHED: Final = "reader crashed"


class TooSlowError(Exception):
    """An item took longer than it may."""


class Clock:
    """Interrupts the item at hand once it has taken SECONDS."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._since = math.inf
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, seconds / _TICKS, seconds / _TICKS)

    def _look(self, _number: int, _frame: object) -> None:
        if time.monotonic() - self._since >= self._seconds:
            raise TooSlowError

    def start(self) -> None:
        """Begin to count the time of an item."""
        self._since = time.monotonic()

    def stop(self) -> None:
        """End it; between items no alarm matters."""
        self._since = math.inf


def begin(seconds: int) -> Clock:
    """Bound this process, and give the clock for its items; seconds: how long one may take."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, _address_space() + _MEMORY)
    gc.set_threshold(_YOUNG)
    return Clock(seconds)


def blank() -> Result:
    """Give a result with room of its own in every part that is added to."""
    return Result(not_applicable={}, findings=[], suppressed=[], inconclusive=[], accepted=[])


def _limit(what: int, most: int) -> None:
    """Lower a limit of this process; one that is lower already stays."""
    soft, hard = resource.getrlimit(what)
    if soft == resource.RLIM_INFINITY or soft > most:
        resource.setrlimit(what, (most, hard))


def attempt(work: Callable[[str, Result], None], path: str, result: Result, seconds: int) -> None:
    """Look at one item; whatever goes wrong with it becomes its outcome."""
    try:
        work(path, result)
    except TooSlowError:
        result.inconclusive.append(Inconclusive(path, SLOW, f"over {seconds} s"))
    except MemoryError:
        result.inconclusive.append(Inconclusive(path, "memory limit"))
    except Exception as error:  # noqa: BLE001 - a fault of ours must not hide the other files
        result.inconclusive.append(Inconclusive(path, "internal error", faults.where(error)))


def _address_space() -> int:
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[0]) * mmap.PAGESIZE


def keep_only(wanted: set[int]) -> None:
    """Close every descriptor but the standard ones and those that are wanted."""
    last = 2
    for number in sorted(wanted):
        os.closerange(last + 1, number)
        last = number
    os.closerange(last + 1, os.sysconf("SC_OPEN_MAX"))
