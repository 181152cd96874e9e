"""Make findings of how a key is. Pure."""

from __future__ import annotations

import datetime
import hashlib
from typing import TYPE_CHECKING, Final

from agent.vault import advice
from checks.model import Confidence, Finding, Location
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.vault.record import Record

_LAST: Final = 0.15
"""The share of a life in which a key without a successor is told of."""
_LONGEST: Final = 500


def findings(record: Record, place: str, now: float) -> Iterator[Finding]:
    """Give what is wrong with a key; place: where it is served, its name if nowhere."""
    if record.fault:
        yield _finding(record.fault, record, place, record.why)
    if record.ends and now > record.ends - _LAST * (record.ends - record.begins):
        ends = datetime.datetime.fromtimestamp(record.ends, datetime.UTC)
        what = "ended" if now >= record.ends else "ends"
        yield _finding(advice.ENDING, record, place, f"{what} {ends:%Y-%m-%d %H:%M} UTC")


def _finding(check: str, record: Record, place: str, why: str) -> Finding:
    told = advice.CHECKS[check]
    said = printable(f"{record.name}: {told.message}: {why}", longest=_LONGEST)
    return Finding(
        check=check,
        severity=told.severity,
        confidence=Confidence.HIGH,
        location=Location(place, key_path=record.name),
        message=said,
        fix=told.fix,
        references=told.references,
        identity=_identity(check, record.name),
    )


def _identity(check: str, name: str) -> str:
    return hashlib.sha256(f"{check}\0{name}".encode()).hexdigest()[:32]
