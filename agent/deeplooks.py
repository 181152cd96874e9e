"""Try known attacks now and then, and keep what that showed of each endpoint until then. EDGE.

Between two attempts lie days in which our own look sees each endpoint many times: a fault that only
an attempt shows stands until the next attempt, or until nobody listens there any more.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from agent import packing
from agent.ledger import SQLITE_ERROR
from checks.tls import deepenv, deepfacts
from checks.tls.deepfacts import Attempts, DeepError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from checks.model import Inconclusive
    from checks.policy import TlsPolicy
    from checks.tls.facts import EndpointFacts, Target

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS attempts (
    key TEXT PRIMARY KEY, tried REAL NOT NULL, told BLOB NOT NULL
) WITHOUT ROWID
"""


class Trial:
    """The deep tier of one look. tried: attempts were made; why: they showed nothing, and why."""

    unseen: tuple[Inconclusive, ...] = ()

    def __init__(self, before: Attempts, attempt: Callable[[Target], Attempts] | None) -> None:
        """Go on from what is known; attempt: None where that is to be recalled only."""
        self.attempts, self._attempt = before, attempt
        self.tried, self.why = False, ""

    def examined(self, facts: EndpointFacts) -> EndpointFacts:
        """Add what attempts show to our own look; what one leaves open is as it was before."""
        if self._attempt is not None and facts.speaks_tls:
            self.tried = True
            try:
                new = self._attempt(facts.target)
            except DeepError as error:
                self.why = str(error)
            else:
                self.attempts = msgspec.structs.replace(self.attempts, **new.told)
                self.why = "" if new.told else "sslyze: could not tell"
        return deepfacts.recalled(facts, self.attempts)


class DeepLooks:
    """What is known by attempts, in the role's own file, and whether any are made."""

    def __init__(self, base: sqlite3.Connection, stopping: Callable[[], bool]) -> None:
        """Use a database. stopping: says that nobody waits for an attempt any more."""
        self._base, self._stopping = base, stopping
        base.execute(_SCHEMA)
        rows = base.execute("SELECT key, tried, told FROM attempts")
        self._known = {key: (tried, _read(told)) for key, tried, told in rows}
        self._seconds = 0
        self.tried = self.failed = 0

    def plan(self, tls: TlsPolicy) -> str:
        """Take in what the policy wants; say why that cannot be, "" if it can."""
        self._seconds = 0
        if not tls.deep:
            self._known.clear()
            with contextlib.suppress(SQLITE_ERROR):  # what stays on a full disk goes another time
                self._base.execute("DELETE FROM attempts")
            return ""
        try:
            deepenv.believed(_place())
        except DeepError as error:
            return str(error)
        self._seconds = tls.deep_seconds
        return ""

    def wanted(self, endpoints: Mapping[str, Target], now: float) -> dict[str, float | None]:
        """Give who is to be tried, one endpoint of each listener, and how many seconds ago it was.

        now: seconds since 1970. A listener is tried by no name of its own rather than by one: a
        fault of its library is the same for all.
        """
        if not self._seconds:
            return {}
        chosen: dict[tuple[str, int], str] = {}
        for key in sorted(endpoints, key=lambda one: (endpoints[one].server_name, one)):
            chosen.setdefault((endpoints[key].host, endpoints[key].port), key)
        tried = {key: self._known.get(key) for key in chosen.values()}
        return {key: max(now - one[0], 0.0) if one else None for key, one in tried.items()}

    def trial(self, key: str, *, deeply: bool) -> Trial:
        """Give the deep tier of a look at an endpoint; may be called by any thread."""
        _, before = self._known.get(key, (0.0, Attempts()))
        return Trial(before, self._attempt if deeply and self._seconds else None)

    def _attempt(self, target: Target) -> Attempts:
        from checks.tls import deep

        python = deepenv.believed(_place())  # it may be another one than a week ago
        seconds, stopping = self._seconds, self._stopping
        return deep.look(target, python, seconds=seconds, wanted=lambda: not stopping()).attempts

    def take(self, key: str, trial: Trial, now: float) -> None:
        """Keep what attempts showed; raises what SQLite raises."""
        if not trial.tried or not self._seconds:
            return
        self.tried += 1
        self.failed += bool(trial.why)
        row = (key, now, packing.pack(trial.attempts))
        self._base.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)", row)
        self._known[key] = now, trial.attempts

    def forget(self, key: str) -> None:
        """Take in that nobody listens there any more; raises what SQLite raises."""
        self._known.pop(key, None)
        self._base.execute("DELETE FROM attempts WHERE key = ?", (key,))


def _place() -> str:
    return deepenv.location(os.environ, sys.prefix)


def _read(told: bytes) -> Attempts:
    with contextlib.suppress(msgspec.MsgspecError, ValueError):
        return packing.unpack(told, Attempts)
    return Attempts()
