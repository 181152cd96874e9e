"""Keep what hosts' audit logs say: an entry that later reads otherwise shows. EDGE."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from agent.output.jsonout import text

if TYPE_CHECKING:
    import sqlite3

    from agent.events import Audit

_MOST: Final = 1000
"""Entries of one host."""
_CHAINS: Final = 64
_LONGEST: Final = 500
_REWRITTEN: Final = "entry {} was another one before"


def note(base: sqlite3.Connection, host: int, audit: Audit, now: float) -> None:
    """Keep how far a log is, and the entry that is told with it."""
    chain, digest = text(audit.chain[:100]), text(audit.sha256[:64])
    known = base.execute(
        "SELECT sha256 FROM acts WHERE host = ? AND chain = ? AND sequence = ? UNION"
        " SELECT sha256 FROM audits WHERE host = ? AND chain = ? AND sequence = ?",
        (host, chain, audit.sequence) * 2,
    ).fetchall()
    fault = _REWRITTEN.format(audit.sequence) if any(one != digest for (one,) in known) else ""
    base.execute(
        "INSERT INTO audits VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " sha256 = iif(excluded.sequence > sequence, excluded.sha256, sha256),"
        " sequence = max(sequence, excluded.sequence), heard = excluded.heard,"
        " fault = iif(fault = '', excluded.fault, fault)",
        (host, chain, audit.sequence, digest, now, fault),
    )
    if audit.act:
        _act(base, host, chain, digest, audit)
    base.execute(
        "DELETE FROM audits WHERE host = ? AND chain IN (SELECT chain FROM audits"
        " WHERE host = ? ORDER BY fault != '' DESC, heard DESC LIMIT -1 OFFSET ?)",
        (host, host, _CHAINS),
    )


def _act(base: sqlite3.Connection, host: int, chain: str, digest: str, audit: Audit) -> None:
    """Keep an entry as it was told first."""
    told = (text(one[:_LONGEST]) for one in (audit.act, audit.subject, audit.result))
    actor = text(json.dumps(msgspec.to_builtins(audit.actor))[:_LONGEST])
    base.execute(
        "INSERT OR IGNORE INTO acts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (host, chain, audit.sequence, digest, audit.at, actor, *told),
    )
    base.execute(
        "DELETE FROM acts WHERE host = ? AND (chain, sequence) IN (SELECT chain, sequence"
        " FROM acts WHERE host = ? ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (host, host, _MOST),
    )
