"""Where reports go: one module a kind of sink, found by listing this folder.

A module has `Settings`, a strict msgspec struct with what its kind needs beside `kind`, and
`open(settings, name, state)`, which gives a `Sink` or a `Board`, or raises SinkError. A sink takes
events and may block for as long as its own deadlines say: each has a thread of its own. A board
shows how things stand, now and then, and never blocks.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast, runtime_checkable

import msgspec

from agent.settings import SettingsError
from checks import mismatch
from checks.errors import HygieneError

if TYPE_CHECKING:
    from pathlib import Path

    from agent.courier import Progress
    from agent.events import Event, Host
    from agent.rolestatus import RoleStatus


class SinkError(HygieneError):
    """A sink that cannot be used as it is set up."""


class Batch(NamedTuple):
    """Events to deliver, the oldest first."""

    host: Host
    events: tuple[Event, ...]


class Delivered(NamedTuple):
    """The other side has the whole batch, as far as its protocol can tell."""


class Retry(NamedTuple):
    """Try again; after: seconds that the other side asked for, 0 where it did not say."""

    reason: str
    after: float = 0


class Refused(NamedTuple):
    """The other side will never take this batch; the courier tries its events one by one."""

    reason: str


Outcome = Delivered | Retry | Refused


class Sink(Protocol):
    """One place where reports go."""

    def deliver(self, batch: Batch) -> Outcome:
        """Deliver a batch, or say why not; raises nothing for what the other side does."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Overview(NamedTuple):
    """How things stand. statuses: what each role published last, by role; now: the time."""

    host: Host
    now: float
    statuses: dict[str, RoleStatus]
    sinks: tuple[Progress, ...]


@runtime_checkable
class Board(Protocol):
    """One place that shows how things stand; what happened in between it does not say."""

    @property
    def every(self) -> float:
        """Give the seconds between two looks."""
        ...

    def show(self, overview: Overview) -> str:
        """Show how things stand; give why that was not possible, "" if it was."""
        ...


class Kind(Protocol):
    """What a module of this folder offers."""

    Settings: type[msgspec.Struct]

    def open(self, settings: msgspec.Struct, name: str, state: Path) -> Sink | Board:
        """Make a sink or a board. state: the courier's own folder."""
        ...


def kinds() -> list[str]:
    """Name the kinds of sinks there are."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__))


def make(name: str, raw: dict[str, Any], state: Path) -> Sink | Board:
    """Make the sink that the bootstrap file names; raises SettingsError or SinkError."""
    kind = raw.get("kind")
    if not isinstance(kind, str) or kind not in kinds():
        raise SettingsError(f"sinks.{name}.kind: expected one of {', '.join(kinds())}")
    module = cast("Kind", importlib.import_module(f"{__name__}.{kind}"))
    wanted = {key: value for key, value in raw.items() if key != "kind"}
    try:
        settings = msgspec.convert(wanted, module.Settings)
    except msgspec.ValidationError as error:
        schema = msgspec.json.schema(module.Settings)
        told = mismatch.explained(wanted, str(error), schema, "settings")
        raise SettingsError(f"sinks.{name}.{told}") from error
    return module.open(settings, name, state)
