"""Keep what a look at a listener showed for the looks at its further names. EDGE.

Threads may share it. Who comes first to a listener is waited for, since what it sees saves most of
the questions of the others; where the first two see nothing to go by, nobody waits any longer.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.tls import further

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.tls.facts import EndpointFacts, Target

_WAITED_FOR: Final = 2
"""A look without a name may be refused, the first one with a name is not."""
_FRESH: Final = 300.0
"""Seconds for which a look says how the listener is."""

Groups = frozenset[frozenset[int] | None]
"""What the sites that may answer say of groups; None where one says nothing."""


class _Guide(NamedTuple):
    facts: EndpointFacts
    groups: Groups
    since: float


class Listener:
    """What is known of one listener."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._waited_for = 0
        self._guide: _Guide | None = None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Look at the listener: alone, as long as nothing is known of it."""
        if self._is_waited_for:
            with self._lock:
                if self._is_waited_for:
                    self._waited_for += 1
                    yield
                    return
        yield

    @property
    def _is_waited_for(self) -> bool:
        return self._guide is None and self._waited_for < _WAITED_FOR

    def known(self, groups: Groups) -> EndpointFacts | None:
        """Give the last look, if it was at a site of the same groups by the files, and just now."""
        guide = self._guide
        if guide is None or guide.groups != groups or time.monotonic() - guide.since > _FRESH:
            return None
        return guide.facts

    def learned(self, facts: EndpointFacts, groups: Groups) -> None:
        """Take in a look, if it is one that others can go by."""
        if further.can_guide(facts):
            self._guide = _Guide(facts, groups, time.monotonic())


class Guides:
    """What is known of all listeners of one run."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, str], Listener] = {}

    def of(self, target: Target) -> Listener:
        """Give what is known of a target's listener, always the same one."""
        with self._lock:
            place = (target.host, target.port, target.starttls)
            return self._known.setdefault(place, Listener())
