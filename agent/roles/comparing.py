"""Let the keeper compare what was found with what Vault holds: fingerprints, and no value. EDGE.

See `agent.comparekey` for whose key they are made with. Where there is none, nothing is told.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from agent import comparekey, snapshot
from agent.findings import Status, is_leak
from agent.found import FILE, Found, Leak
from agent.ledger import LedgerError
from agent.snapshot import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.findings import Tracked
    from agent.found import ServedKey
    from agent.roles.base import Base
    from agent.snapshot import Mark
    from agent.watch.watcher import Watcher
    from checks.redact import FingerprintKey

_LOOK: Final = 2.0
"""Seconds between two looks at the key, and between two tellings at the least."""
_FAULT: Final = "found"
_COMPARED: Final = "SELECT value FROM meta WHERE name = 'compared'"


class Comparing:
    """The key that there is now, and what was told with it."""

    def __init__(self, base: Base) -> None:
        """Look for a key only where the bootstrap file names secrets to compare with."""
        self._base = base
        self._wanted = bool(base.settings.keeps)
        self._mark: Mark | None = None
        self._next_key = self._next_tell = -math.inf
        self._dirty = True
        self._revision = -1
        self._told: Found | None = None
        self.key: FingerprintKey | None = None

    def changed(self) -> bool:
        """Look whether there is another key now."""
        now = time.monotonic()
        if not self._wanted or now < self._next_key:
            return False
        self._next_key = now + _LOOK
        folder = self._base.settings.vault.folder
        if (mark := comparekey.mark(folder)) == self._mark:
            return False
        self._mark = mark
        before, self.key = self.key, comparekey.read(folder)
        self._dirty = True
        return self.key is not None and (before is None or before.id != self.key.id)

    def touch(self) -> None:
        """Take in that findings may have changed."""
        self._dirty = True

    def turn(self, watcher: Watcher, keys: tuple[ServedKey, ...]) -> None:
        """Have read again what another key was used on, and tell what there is by now.

        keys: the files on disks with keys that are served.
        """
        now = time.monotonic()
        if self.key is None or now < self._next_tell:
            return
        try:
            idle = watcher.idle and not self._catch_up(watcher, self.key)
            if self._dirty or self._news(keys):
                self._tell(Found(key=self.key.id, keys=keys, whole=idle))
                self._dirty = not idle
            self._base.faults.pop(_FAULT, None)
        except (LedgerError, SnapshotError) as error:
            self._base.faults[_FAULT] = str(error)
        self._next_tell = time.monotonic() + _LOOK + 20 * (time.monotonic() - now)

    def _news(self, keys: tuple[ServedKey, ...]) -> bool:
        """Say whether a finding or a key changed."""
        before, self._revision = self._revision, self._base.ledger.revision
        return self._revision != before or self._told is None or keys != self._told.keys

    def _catch_up(self, watcher: Watcher, key: FingerprintKey) -> bool:
        """Have files with leaks read again whose fingerprints are of another key, if any are."""
        ledger = self._base.ledger
        if ledger.base.execute(_COMPARED).fetchone() == (key.id,):
            return False
        with ledger.together():
            watcher.again(ledger.subjects())
            ledger.base.execute("INSERT OR REPLACE INTO meta VALUES ('compared', ?)", (key.id,))
        return True

    def _tell(self, found: Found) -> None:
        leaks: list[Leak] = []
        removed: dict[str, None] = {}
        for one in self._base.ledger.everything():
            if is_leak(one.finding) and one.status is not Status.SUPPRESSED:
                leaks += _leaks(one, found.key)
                if one.status is Status.REMOVED:
                    removed[one.identity] = None
        whole = Found(
            key=found.key,
            leaks=tuple(leaks),
            removed=tuple(removed),
            keys=found.keys,
            whole=found.whole,
        )
        if whole != self._told:
            snapshot.write(self._base.published / FILE, whole)
            self._told = whole


def _leaks(one: Tracked, key: str) -> Iterator[Leak]:
    """Give a leak by its fingerprint under a key, where it has one."""
    where, evidence = one.finding.location, one.finding.evidence
    for mark in evidence.fingerprints if evidence else ():
        if mark.key == key:
            yield Leak(
                identity=one.identity,
                mark=mark.value,
                path=where.path,
                line=where.line,
                key_path=where.key_path,
                removed=one.status is Status.REMOVED,
            )
