"""Tell what shows only when Vault, files and servers are seen together. EDGE.

The watcher publishes fingerprints of what it found, the prober which certificates are served. What
Vault holds never leaves this process, but for the public halves of private keys, which let the
watcher name them. Which secret a leak is stays known when its file is gone and the machine was
started again: it is a name and a number. Once Vault holds another value in its place, the watcher
is asked to close the leak; it does so only for one that was taken out of its file.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent import found as founds
from agent import packing, powers, requests, snapshot
from agent import served as serveds
from agent import vaulted as vaulteds
from agent.findings import Look
from agent.found import Found
from agent.ledger import SQLITE_ERROR, LedgerError
from agent.requests import RequestError, Rotated
from agent.served import Served
from agent.snapshot import SnapshotError
from agent.vault import comparing
from agent.vault.comparing import Former, Match
from agent.vaulted import Vaulted, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.roles.base import Base
    from agent.vault.holding import Holding
    from agent.vault.record import Record

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS matches (identity TEXT PRIMARY KEY, match BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS certificates (
    name TEXT NOT NULL, sha256 TEXT NOT NULL, version TEXT NOT NULL, got REAL NOT NULL,
    PRIMARY KEY (name, sha256)
) WITHOUT ROWID;
"""
_EVERY: Final = 2.0
_ASKED: Final = 60.0
"""Seconds after which a request that came to nothing is put again."""
_KEPT: Final = 20
"""Certificates of a key that are remembered."""
_FAULT: Final = "joins"
_SECRETS: Final = "secrets of Vault"
_STALE: Final = "certificates that were replaced"
"""Subjects of findings."""


class Joins:
    """What is known together."""

    def __init__(self, base: Base, key: str) -> None:
        """key: the id of what values are compared by, "" where nothing is."""
        self._base, self._key = base, key
        base.ledger.base.executescript(_SCHEMA)
        self._next = 0.0
        self._asked: dict[str, float] = {}
        self._vaulted: Vaulted | None = None

    def took(self, record: Record) -> None:
        """Remember which certificate is served as which version of a key."""
        if not record.sha256:
            return
        base = self._base.ledger.base
        try:
            row = (record.name, record.sha256, record.version, record.got)
            base.execute("INSERT OR REPLACE INTO certificates VALUES (?, ?, ?, ?)", row)
            base.execute(
                "DELETE FROM certificates WHERE name = ? AND sha256 NOT IN (SELECT sha256"
                " FROM certificates WHERE name = ? ORDER BY got DESC LIMIT ?)",
                (record.name, record.name, _KEPT),
            )
        except SQLITE_ERROR as error:
            self._base.faults["state"] = str(error)

    def turn(self, holdings: Sequence[Holding], *, whole: bool) -> None:
        """Take in what others published, and tell what it means beside what Vault holds.

        whole: all that is to be compared with was read.
        """
        now = time.monotonic()
        if now < self._next:
            return
        found = self._read("watcher", founds.FILE, Found(key=""))
        try:
            self._publish(holdings)
            self._tell_stale(holdings, found)
            if self._key:
                self._tell_on_disk(holdings, found, whole=whole)
            self._base.faults.pop(_FAULT, None)
        except (LedgerError, RequestError, SnapshotError, SQLITE_ERROR) as error:
            self._base.faults[_FAULT] = str(error)
        self._next = time.monotonic() + _EVERY + 20 * (time.monotonic() - now)

    def _read(self, role: str, name: str, otherwise: Found) -> Found:
        path = Path(powers.published(self._base.settings, role)) / name
        return snapshot.read(path, Found) or otherwise

    def _publish(self, holdings: Sequence[Holding]) -> None:
        """Let the watcher know which private keys Vault holds, by their public halves."""
        vaulted = Vaulted(tuple(comparing.vaulted(holdings)))
        if vaulted != self._vaulted:
            snapshot.write(self._base.published / vaulteds.FILE, vaulted)
            self._vaulted = vaulted

    # An older key

    def _tell_stale(self, holdings: Sequence[Holding], found: Found) -> None:
        path = Path(powers.published(self._base.settings, "prober")) / serveds.FILE
        served = snapshot.read(path, Served)
        former = comparing.replaced(holdings) | self._former()
        told = tuple(comparing.stale(served or Served(), former, found.keys))
        look = Look(told, conclusive=served is not None)
        self._base.ledger.observe(_STALE, look, time.time())

    def _former(self) -> dict[str, Former]:
        """Give the certificates that are not those that the keeper serves now, by SHA-256."""
        rows = self._base.ledger.base.execute(
            "SELECT name, sha256, version, got FROM certificates ORDER BY got"
        ).fetchall()
        newest = {name: (version, got) for name, _, version, got in rows}
        now = {name: sha256 for name, sha256, _, _ in rows}
        return {
            sha256: Former(
                place=name, version=version, newer=newest[name][0], since=newest[name][1]
            )
            for name, sha256, version, _ in rows
            if now[name] != sha256 and name in self._base.settings.keys
        }

    # The same value

    def _tell_on_disk(self, holdings: Sequence[Holding], found: Found, *, whole: bool) -> None:
        ours = found.key == self._key
        kept = self._matches()
        fresh = comparing.matches(found, holdings) if ours else {}
        matched = kept | fresh
        told = tuple(comparing.on_disk(found, matched, holdings)) if ours else ()
        look = Look(told, conclusive=whole and ours and found.whole)
        self._base.ledger.observe(_SECRETS, look, time.time())
        self._keep({identity: one for identity, one in fresh.items() if kept.get(identity) != one})
        if ours and found.whole:
            there = {leak.identity for leak in found.leaks} | set(found.removed)
            self._forget(matched.keys() - there)
        for identity in matched.keys() & set(found.removed) if whole else ():
            self._close(matched[identity], holdings)

    def _close(self, match: Match, holdings: Sequence[Holding]) -> None:
        """Ask the watcher to close a leak whose value was changed; raises RequestError."""
        newer = comparing.changed(match, holdings)
        now = time.monotonic()
        if not newer or now < self._asked.get(match.identity, 0.0):
            return
        self._asked[match.identity] = now + _ASKED
        why = f"Vault holds another {named(match.place, newer, newer)}; {match.version} leaked"
        folder = Path(powers.folder(self._base.settings, "watcher"))
        requests.put(folder, Rotated(identity=match.identity, why=why))

    def _matches(self) -> dict[str, Match]:
        rows = self._base.ledger.base.execute("SELECT match FROM matches").fetchall()
        return {one.identity: one for one in (packing.unpack(packed, Match) for (packed,) in rows)}

    def _keep(self, fresh: dict[str, Match]) -> None:
        with self._base.ledger.together():
            for identity, one in fresh.items():
                row = (identity, packing.pack(one))
                self._base.ledger.base.execute("INSERT OR REPLACE INTO matches VALUES (?, ?)", row)

    def _forget(self, over: set[str]) -> None:
        with self._base.ledger.together():
            for identity in over:
                self._asked.pop(identity, None)
                statement = "DELETE FROM matches WHERE identity = ?"
                self._base.ledger.base.execute(statement, (identity,))
