"""Show one host's findings, each with what is known of it. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent import packing
from agent.collector.reading import reading, severity
from agent.collector.shape import FindingRow, Findings
from agent.findings import Tracked
from agent.output.jsonout import text

if TYPE_CHECKING:
    from pathlib import Path

_FINDINGS: Final = (
    "SELECT role, identity, status, severity, changed, known FROM findings"
    " WHERE host = (SELECT number FROM hosts WHERE id = ?) AND (status != 'closed' OR ?)"
)
_IN_ORDER: Final = " ORDER BY status = 'closed', severity DESC, opened, identity"


def findings(folder: Path, host: str, most: int, *, closed: bool = False) -> Findings | None:
    """Give what is known of a host, by its id; None for one that is not; raises StoreError."""
    with reading(folder) as base:
        if not base.execute("SELECT 1 FROM hosts WHERE id = ?", (host,)).fetchone():
            return None
        rows = base.execute(_FINDINGS + _IN_ORDER, (host, closed)).fetchall()
    shown = tuple(_row(*row) for row in rows[:most])
    return Findings(host=host, findings=shown, left_out=max(len(rows) - most, 0))


def _row(  # noqa: PLR0913, PLR0917 - the columns of a row
    role: str, identity: str, status: str, worst: int, changed: float, known: bytes
) -> FindingRow:
    tracked = packing.unpack(known, Tracked)
    finding, where = tracked.finding, tracked.finding.location
    seen: Any = finding.evidence
    why = tracked.suppression
    return FindingRow(
        role=role,
        identity=identity,
        status=status,
        check=finding.check,
        severity=severity(worst),
        path=text(where.path),
        line=where.line,
        key_path=text(where.key_path),
        message=text(finding.message),
        fix=text(finding.fix),
        preview=text(seen.preview) if seen else "",
        length=seen.length if seen else 0,
        fingerprints={text(one.key): text(one.value) for one in seen.fingerprints} if seen else {},
        first_seen=tracked.first_seen,
        last_seen=tracked.last_seen,
        changed=changed,
        suppressed_by=text(f"{why.kind} {why.owner}: {why.reason}"[:500]) if why else "",
    )
