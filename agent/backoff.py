"""How long to wait before trying again: longer each time, and not all at once. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def delay(failures: int, rng: Random, *, first: float = 1.0, longest: float = 300.0) -> float:
    """Give the seconds to wait after so many failures in a row, 1 or more.

    Between half of it and the whole of a time that doubles with each failure.
    """
    whole = min(first * 2.0 ** min(failures - 1, 30), longest)
    return whole * (0.5 + 0.5 * rng.random())
