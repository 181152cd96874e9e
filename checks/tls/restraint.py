"""Do no harm to what listens: whom to leave alone, and how often to ask the others. Pure.

A listener that turned out to speak no TLS is left alone until its sockets change; the handshakes
that fail at one listener within an hour are counted; some are never asked. The caller keeps the
memory, within one boot of the host: inodes and names begin anew with the next.
"""

from __future__ import annotations

import enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import msgspec

from checks.tls.spoken import Spoken  # noqa: TC001 - msgspec resolves it

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.tls.listeners import Listener

HOUR: Final = 3600.0
MOST_FAILED: Final = 60
"""Handshakes that may fail at one listener within an hour."""
_PAUSE: Final = 1.0
"""Seconds after which who counts connections within a second has forgotten ours."""
_SLOWED: Final = 8.0
_SLOWEST: Final = 1.0
"""Connections a second to who was found to limit them, and the fewest."""


class Withheld(enum.StrEnum):
    """Why a listener is not asked."""

    EXCLUDED = "excluded by policy"
    NO_TLS = "speaks no TLS"
    CAPPED = "too many failed handshakes within the hour"


class Exclusions(msgspec.Struct, frozen=True):
    """Listeners that are never asked, by globs.

    A glob is for "address:port" as bound (an IPv6 address with brackets or without), for the whole
    path of an executable, or for a unit: "*:22", "/usr/sbin/sshd", "postgresql@*.service".
    """

    globs: tuple[str, ...] = ()

    def name(self, listener: Listener) -> bool:
        """Say whether a listener is among them."""
        address = f"{listener.address}:{listener.port}"
        bracketed = f"[{listener.address}]:{listener.port}"
        known = (address, bracketed, listener.executable, listener.unit)
        pairs = [(one, glob) for one in known if one for glob in self.globs]
        return any(one == glob or fnmatchcase(one, glob) for one, glob in pairs)


class Place(msgspec.Struct):
    """What is remembered of one place.

    inodes: of the sockets that were asked; spoken: what they speak, where that is settled; failed:
    when handshakes failed, oldest first.
    """

    inodes: tuple[int, ...] = ()
    spoken: Spoken | None = None
    failed: list[float] = msgspec.field(default_factory=list)


class Rate(msgspec.Struct):
    """When the next connection to a listener may begin: a burst at once, then so many a second.

    due: when the next one would be, were they spread evenly.
    """

    per_second: float = 256.0
    burst: int = 64
    due: float = 0.0

    def take(self, now: float) -> float:
        """Count a connection and give the seconds that it has to wait."""
        self.due = max(self.due, now - self.burst / self.per_second)
        wait = max(0.0, self.due - now)
        self.due += 1 / self.per_second
        return wait

    def slow(self, now: float) -> None:
        """Pause, then go on with half of the rate and without bursts, but not below the least."""
        self.per_second = max(min(self.per_second / 2, _SLOWED), _SLOWEST)
        self.burst = 0
        self.due = now + _PAUSE


class Restraint(msgspec.Struct):
    """What is remembered of all places, by "[address%interface]:port".

    Clock: `now` is in seconds, of any clock that does not go back while the memory lasts.
    """

    places: dict[str, Place] = msgspec.field(default_factory=dict)
    most: int = MOST_FAILED

    def withheld(
        self, listener: Listener, now: float, excluded: Exclusions | None = None
    ) -> Withheld | None:
        """Say why a listener is to be left alone now, None where it may be asked."""
        if excluded is not None and excluded.name(listener):
            return Withheld.EXCLUDED
        place = self.places.get(_key(listener))
        if place is None:
            return None
        known = self.known(listener)
        if known is not None and not known.speaks_tls:
            return Withheld.NO_TLS
        return Withheld.CAPPED if len(_recent(place.failed, now)) >= self.most else None

    def known(self, listener: Listener) -> Spoken | None:
        """Give what a listener was found to speak, None where its sockets are others by now."""
        place = self.places.get(_key(listener))
        return place.spoken if place and place.inodes == listener.inodes else None

    def learned(self, listener: Listener, spoken: Spoken, now: float) -> None:
        """Remember what a listener turned out to speak; what is not settled counts as failed."""
        place = self.places.setdefault(_key(listener), Place())
        place.inodes, place.spoken = (listener.inodes, spoken) if spoken.settled else ((), None)
        if not spoken.settled:
            self.failed(listener, now, spoken.connections)

    def failed(self, listener: Listener, now: float, handshakes: int = 1) -> None:
        """Count handshakes that failed, or that a probe broke off."""
        place = self.places.setdefault(_key(listener), Place())
        recent = _recent(place.failed, now) + [now] * min(handshakes, self.most)
        place.failed = recent[-self.most :]

    def forget(self, listener: Listener) -> None:
        """Ask again: what it speaks may have changed, although its sockets did not."""
        if place := self.places.get(_key(listener)):
            place.inodes, place.spoken = (), None

    def keep(self, listeners: Iterable[Listener], now: float) -> None:
        """Drop all that is gone, so that the memory does not grow; a count is kept for its hour."""
        present = {_key(listener) for listener in listeners}
        for key, place in list(self.places.items()):
            place.failed = _recent(place.failed, now)
            if key not in present:
                place.inodes, place.spoken = (), None
            if not place.failed and not place.inodes:
                del self.places[key]


def _recent(times: list[float], now: float) -> list[float]:
    return [time for time in times if now - HOUR < time]


def _key(listener: Listener) -> str:
    where = f"{listener.address}%{listener.interface}" if listener.interface else listener.address
    return f"[{where}]:{listener.port}"
