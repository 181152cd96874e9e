"""Have the C library keep little of the memory that is free: a role is mostly at rest. EDGE."""

from __future__ import annotations

import ctypes
from typing import Final

_ARENA_MAX: Final = -8
_MMAP_THRESHOLD: Final = -3
"""mallopt(3), malloc.h."""
_LARGE: Final = 1024 * 1024


def limit() -> None:
    """Before there are threads: one heap for all, and of that nothing large.

    Only one thread of Python runs at a time, so that heaps of their own gain nothing. What is large
    goes back to the system as soon as it is free, wherever it lies. C libraries other than GNU's
    have their own ways.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Give free memory back to the system; takes about a millisecond."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(ctypes.c_size_t(0))
