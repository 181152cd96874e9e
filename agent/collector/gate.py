"""Say who may come in and how much may be under way: no host shuts out the others. Pure."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.watch.budget import Bucket

if TYPE_CHECKING:
    from collections.abc import Iterator

_MIB: Final = 1024 * 1024
_BUSY: Final = 5.0
_MOST_NAMES: Final = 100_000


class Bounds(NamedTuple):
    """What may be at one time.

    connections: in all; by_address: of one address before its handshake is done; by_name: of one
    certificate after it; under_way: bytes of bodies; rate, burst: bytes a second that one
    certificate may send.
    """

    connections: int = 4096
    by_address: int = 512
    by_name: int = 4
    under_way: int = 64 * _MIB
    rate: int = _MIB
    burst: int = 64 * _MIB


class Gate:
    """Counts what is under way."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._connections = self._under_way = 0
        self._addresses: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._buckets: dict[str, Bucket] = {}

    @contextlib.contextmanager
    def connection(self) -> Iterator[bool]:
        """Count a connection; gives False where there are too many."""
        self._connections += 1
        try:
            yield self._connections <= self._bounds.connections
        finally:
            self._connections -= 1

    def arriving(self, address: str) -> contextlib.AbstractContextManager[bool]:
        """Count a handshake; gives False where an address does too many at one time."""
        return _counted(self._addresses, address, self._bounds.by_address)

    def session(self, name: str) -> contextlib.AbstractContextManager[bool]:
        """Count a connection of a name; gives False where it has too many."""
        return _counted(self._names, name, self._bounds.by_name)

    def pause(self, name: str, length: int, now: float) -> float:
        """Give the seconds after which a body of this length may come, 0 for at once."""
        if self._under_way + length > max(self._bounds.under_way, length):
            return _BUSY
        return self._bucket(name, now).wait(length, now)

    @contextlib.contextmanager
    def holding(self, length: int) -> Iterator[None]:
        """Count the bytes of a body while it is held."""
        self._under_way += length
        try:
            yield
        finally:
            self._under_way -= length

    def charge(self, name: str, size: int, now: float) -> None:
        """Take what a name has sent from what it may."""
        self._bucket(name, now).take(size, now)

    def _bucket(self, name: str, now: float) -> Bucket:
        found = self._buckets.get(name)
        if found is None:
            if len(self._buckets) >= _MOST_NAMES:
                self._buckets = {n: b for n, b in self._buckets.items() if not b.full(now)}
            found = self._buckets[name] = Bucket(self._bounds.rate, self._bounds.burst, now)
        return found


@contextlib.contextmanager
def _counted(counts: Counter[str], key: str, most: int) -> Iterator[bool]:
    counts[key] += 1
    try:
        yield counts[key] <= most
    finally:
        counts[key] -= 1
        if not counts[key]:
            del counts[key]
