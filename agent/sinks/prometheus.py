"""A file for node_exporter's textfile collector: how roles and sinks do, and what is open. EDGE.

It takes no events: it shows how things stand now. The number of series is bounded: roles and sinks
are named by the host's own set-up, and of a role's own numbers the first MOST_NUMBERS are shown.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from agent import writing
from agent.output.prometheus import Metric, lines
from agent.sinks import SinkError
from agent.writing import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.courier import Progress
    from agent.rolestatus import RoleStatus
    from agent.sinks import Overview

MOST_NUMBERS: Final = 50
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READABLE: Final = 0o644
"""node_exporter is another user; nothing in the file is secret."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """path: the file, absolute, NAME.prom; every: seconds between two writes."""

    path: Annotated[str, msgspec.Meta(pattern=r"^/.*\.prom$", max_length=4096)]
    every: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 15


def open(settings: Settings, _name: str, _state: Path) -> TextFile:  # noqa: A001 - what every sink offers
    """Make the board; raises SinkError where something else stands in the file's place."""
    path = Path(settings.path)
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise SinkError(f"{path}: not a regular file")
    return TextFile(path, settings.every)


class TextFile:
    """The file."""

    def __init__(self, path: Path, every: float) -> None:
        """Keep the path; the file is first written by `show`."""
        self._path = path
        self._every = every

    @property
    def every(self) -> float:
        """Give the seconds between two writes."""
        return self._every

    def show(self, overview: Overview) -> str:
        """Write the file anew, whole or not at all."""
        try:
            self._begin()
            writing.write(self._path, _text(overview))
        except OutputError as error:
            return str(error)
        except OSError as error:
            return f"{self._path}: {error.strerror}"
        return ""

    def _begin(self) -> None:
        """Make the file readable for others when it is new; what replaces it stays so."""
        with contextlib.suppress(FileExistsError):
            descriptor = os.open(self._path, _FLAGS, _READABLE)
            try:
                os.fchmod(descriptor, _READABLE)
            finally:
                os.close(descriptor)


def _text(overview: Overview) -> Iterator[str]:
    for metric in (*_about(overview), *_roles(overview), *_sinks(overview.sinks)):
        yield from lines(metric)


def _about(overview: Overview) -> Iterator[Metric]:
    host = overview.host
    labels = {"version": host.version, "host": host.id, "image": host.image, "policy": host.policy}
    yield Metric("daemon_info", "Who reports from this host.", [(labels, 1)])
    yield Metric("daemon_shown_timestamp_seconds", "When this was written.", [({}, overview.now)])


def _open_gaps(status: RoleStatus) -> int:
    return sum(not gap.ended for gap in status.gaps)


_OF_ROLES: Final[tuple[tuple[str, str, str, Callable[[RoleStatus], float]], ...]] = (
    ("published_timestamp_seconds", "When the role last said how it is.", "gauge", lambda s: s.at),
    ("start_time_seconds", "When the role was started.", "gauge", lambda s: s.started),
    ("cpu_seconds_total", "Processor time of the role.", "counter", lambda s: s.cpu),
    ("resident_memory_bytes", "Resident memory of the role.", "gauge", lambda s: s.memory),
    ("open_findings", "Findings that are open.", "gauge", lambda s: s.open),
    ("removed_findings", "Leaks removed but not rotated.", "gauge", lambda s: s.removed),
    ("suppressed_findings", "Findings that do not count.", "gauge", lambda s: s.suppressed),
    ("open_gaps", "Places where nothing is seen now.", "gauge", _open_gaps),
    ("faults", "Things that are wrong with the role now.", "gauge", lambda s: len(s.faults)),
    ("waiting_events", "Events not in the journal yet.", "gauge", lambda s: s.waiting),
)


def _roles(overview: Overview) -> Iterator[Metric]:
    told = sorted(overview.statuses.items())
    for name, text, kind, value in _OF_ROLES:
        samples = [({"role": role}, value(status)) for role, status in told]
        yield Metric(f"role_{name}", text, samples, kind)
    numbers = [
        ({"role": role, "number": number}, value)
        for role, status in told
        for number, value in sorted(status.numbers.items())[:MOST_NUMBERS]
    ]
    yield Metric("role_number", "What the role counts, by its own names.", numbers)


_OF_SINKS: Final[tuple[tuple[str, str, str, Callable[[Progress], float]], ...]] = (
    ("up", "Whether the last try worked: 1, or 0.", "gauge", lambda p: not p.failing),
    ("last_success_timestamp_seconds", "When events were last taken.", "gauge", lambda p: p.at),
    ("delivered_events_total", "Events delivered.", "counter", lambda p: p.delivered),
    ("refused_events_total", "Events that will never be taken.", "counter", lambda p: p.refused),
    ("damaged_places", "Places in journals that cannot be read.", "gauge", lambda p: p.damaged),
)


def _sinks(sinks: tuple[Progress, ...]) -> Iterator[Metric]:
    for name, text, kind, value in _OF_SINKS:
        samples = [({"sink": one.name}, value(one)) for one in sinks]
        yield Metric(f"sink_{name}", text, samples, kind)
