"""Say which edition of a layer a host takes by now, and when it asks next. Pure.

A host falls into the same share of one edition for ever, and into another one of the next edition,
so that it is not always the same hosts that try what is new.
"""

from __future__ import annotations

import datetime  # noqa: TC003 - msgspec resolves it
import hashlib
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from checks.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPAN: Final = 1 << 64


class Rollout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """For whom an edition is. labels: all of which a host has to have; share: percent of hosts.

    from_: not before this time; paused: only hosts that have it already keep it.
    """

    labels: dict[str, str] = {}
    share: Annotated[float, msgspec.Meta(ge=0, le=100)] = 100
    from_: datetime.datetime | None = msgspec.field(default=None, name="from")
    paused: bool = False

    @property
    def for_all(self) -> bool:
        """Whether every host may have it, now and later."""
        return self == Rollout()


class Edition(NamedTuple):
    """One edition of a layer, as the store has it."""

    layer: str
    number: int
    rollout: Rollout


class Asking(NamedTuple):
    """Who asks, and when: id and labels of a host, and seconds since 1970 in UTC."""

    host: str
    labels: Mapping[str, str]
    now: float


def of(told: object, where: str) -> Rollout:
    """Check a decoded rollout; raises PolicyError."""
    try:
        rollout = msgspec.convert(told, Rollout)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{where}: {error}") from error
    if rollout.from_ is not None and rollout.from_.tzinfo is None:
        raise PolicyError(f"{where}: from: expected a time with its zone, such as ...T08:00:00Z")
    return rollout


def chosen(
    editions: Mapping[int, Rollout], layer: str, asking: Asking, holds: int | None
) -> int | None:
    """Give the edition of a layer that a host takes, None for none; holds: what it has now."""
    numbers = sorted(editions, reverse=True)
    return next(
        (
            number
            for number in numbers
            if _takes(Edition(layer, number, editions[number]), asking, holds)
        ),
        None,
    )


def _takes(edition: Edition, asking: Asking, holds: int | None) -> bool:
    rollout = edition.rollout
    if rollout.paused:
        return edition.number == holds
    return (
        all(asking.labels.get(label) == value for label, value in rollout.labels.items())
        and (rollout.from_ is None or rollout.from_.timestamp() <= asking.now)
        and 100 * position(asking.host, f"{edition.layer}/{edition.number}") < rollout.share
    )


def position(host: str, what: str) -> float:
    """Give the place of a host among all, from 0 up to 1, the same for ever."""
    told = hashlib.sha256(f"{host}\0{what}".encode()).digest()
    return int.from_bytes(told[:8]) / _SPAN


def due(host: str, every: float, now: float) -> float:
    """Give when a host asks next, in seconds from now.

    Each has a moment of its own in every interval, also after it was started anew, so that a fleet
    does not ask at once after the store or the power was away. Who was just started before its
    moment does not have to wait for it: it begins with what it has.
    """
    phase = every * position(host, "poll")
    return every - (now - phase) % every
