"""When to ask Vault for a key again: at two thirds of its life, each host at its own time. Pure.

The moment hangs on the host, the key and what was got, so that it is the same after a restart, and
no fleet asks at once. What failed is asked again after waits that grow, each at another moment.
"""

from __future__ import annotations

import hashlib
import math
from typing import Final

_SPAN: Final = 1 << 64
_EARLY: Final = 0.60
_LATE: Final = 2 / 3
"""Shares of a life between which it is renewed."""
_LEFT: Final = 0.25
"""The share of what is left of a life that may pass before Vault is asked again."""
_AT_LEAST: Final = 1.0
_FIRST: Final = 2.0
_LONGEST: Final = 600.0
_LEAST: Final = 30.0
"""Seconds of the first wait after a failure, of the longest, and of what counts as short."""


def renewal(host: str, key: str, begins: float, ends: float, now: float = -math.inf) -> float:
    """Give when to renew what is good from BEGINS to ENDS, all in seconds since 1970.

    now: when it was got. What was then old already, such as by a clock that is ahead, is not
    renewed before a quarter of what is left of it is over: another one may be no better.
    """
    share = _EARLY + (_LATE - _EARLY) * position(host, key, f"{begins}/{ends}")
    soonest = max(now + (ends - now) * _LEFT, now + _AT_LEAST)
    return max(begins + (ends - begins) * share, soonest)


def look(host: str, key: str, every: float, now: float) -> float:
    """Give when to look for a new version next: once in every interval, at a moment of its own."""
    phase = every * position(host, key, "look")
    return now + every - (now - phase) % every


def again(host: str, key: str, failures: int, now: float, after: float = 0) -> float:
    """Give when to ask again after so many failures in a row; after: what Vault asked to wait."""
    longest = min(_FIRST * float(1 << min(failures - 1, 16)), _LONGEST)
    return now + max(after, 0.0) + longest * (0.5 + 0.5 * position(host, key, f"{now}/{failures}"))


def counted(failures: int, left: float) -> int:
    """Give how many failures to count, so that waits stay short beside what is left of a life.

    left: seconds that what is served is still good; no wait is longer than a quarter of them, but
    for those that are short anyway.
    """
    most = min(max(left * _LEFT, _LEAST), _LONGEST)
    return min(failures, 1 + int(math.log2(most / _FIRST))) if most < _LONGEST else failures


def position(*what: str) -> float:
    """Give a number from 0 up to 1 that is the same for the same words."""
    told = hashlib.sha256("\0".join(what).encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(told[:8]) / _SPAN
