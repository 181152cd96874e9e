"""Do no harm to what listens: whom to leave alone, and how often to ask the others. Pure.

A listener that turned out to speak no TLS is left alone until its sockets change; the handshakes
that fail at one listener within an hour are counted; some are never asked. The caller keeps the
memory, within one boot of the host: inodes and names begin anew with the next.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final

import msgspec

from checks.tls.spoken import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from checks.tls.listeners import Listener
    from checks.tls.spoken import Spoken

HOUR: Final = 3600.0
MOST_FAILED: Final = 60
"""Handshakes that may fail at one listener within an hour."""


class Withheld(enum.StrEnum):
    """Why a listener is not asked."""

    EXCLUDED = "excluded by policy"
    NO_TLS = "speaks no TLS"
    CAPPED = "too many failed handshakes within the hour"


class Exclusions(msgspec.Struct, frozen=True):
    """Listeners that are never asked; each field alone excludes.

    executables: whole paths; units: whole names; places: (address, port), the address as bound.
    """

    ports: frozenset[int] = frozenset()
    executables: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    places: frozenset[tuple[str, int]] = frozenset()

    def name(self, listener: Listener) -> bool:
        """Say whether a listener is among them."""
        return (
            listener.port in self.ports
            or listener.executable in self.executables
            or listener.unit in self.units
            or (listener.address, listener.port) in self.places
        )


class Place(msgspec.Struct):
    """What is remembered of one place.

    inodes: of the sockets that speak no TLS; failed: when handshakes failed, oldest first.
    """

    inodes: tuple[int, ...] = ()
    failed: list[float] = msgspec.field(default_factory=list)


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
        if place.inodes == listener.inodes:
            return Withheld.NO_TLS
        return Withheld.CAPPED if len(_recent(place.failed, now)) >= self.most else None

    def learned(self, listener: Listener, spoken: Spoken, now: float) -> None:
        """Remember what a listener turned out to speak; what is not settled counts as failed."""
        place = self.places.setdefault(_key(listener), Place())
        no_tls = spoken.kind in {Kind.PLAIN, Kind.OTHER}
        place.inodes = listener.inodes if no_tls else ()
        if not spoken.settled:
            self.failed(listener, now, spoken.connections)

    def failed(self, listener: Listener, now: float, handshakes: int = 1) -> None:
        """Count handshakes that failed, or that a probe broke off."""
        place = self.places.setdefault(_key(listener), Place())
        recent = _recent(place.failed, now) + [now] * min(handshakes, self.most)
        place.failed = recent[-self.most :]

    def forget(self, listener: Listener) -> None:
        """Ask again: its configuration changed, although its sockets did not."""
        if place := self.places.get(_key(listener)):
            place.inodes = ()

    def keep(self, listeners: Iterable[Listener], now: float) -> None:
        """Drop all that is gone, so that the memory does not grow; a count is kept for its hour."""
        present = {_key(listener) for listener in listeners}
        for key, place in list(self.places.items()):
            place.failed = _recent(place.failed, now)
            if key not in present:
                place.inodes = ()
            if not place.failed and not place.inodes:
                del self.places[key]


def _recent(times: list[float], now: float) -> list[float]:
    return [time for time in times if now - HOUR < time]


def _key(listener: Listener) -> str:
    where = f"{listener.address}%{listener.interface}" if listener.interface else listener.address
    return f"[{where}]:{listener.port}"
