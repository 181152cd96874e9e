"""Ask the receiver's file what there is to show. EDGE.

Everything is read in one transaction, so that its parts agree; retired hosts count nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from agent import packing
from agent.collector import hostrows, place, trends
from agent.collector.reading import reading, severity
from agent.collector.shape import (
    ActRow,
    AuditRow,
    CheckRow,
    Counts,
    GapRow,
    HealthRow,
    ImageRow,
    LeakRow,
    View,
)
from agent.findings import Tracked
from agent.output.jsonout import text
from checks.model import Severity

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from agent.collector.shape import HostRow

_R = TypeVar("_R", bound=msgspec.Struct)
_DAY: Final = 86_400.0
_IMAGES: Final = """
    SELECT image, check_id, max(severity), count(DISTINCT host), count(*), min(opened), max(opened),
    min(row) FROM live WHERE status = 'open' GROUP BY image, fault ORDER BY 3 DESC, 4 DESC, 2, 8"""
_CHECKS: Final = """
    SELECT check_id, max(severity), sum(opened > :day), sum(opened <= :day AND opened > :week),
    sum(opened <= :week AND opened > :month), sum(opened <= :month), count(DISTINCT host) FROM live
    WHERE status = 'open' GROUP BY check_id ORDER BY 2 DESC, count(*) DESC, 1"""
_REMOVED: Final = """
    SELECT id, severity, changed, known FROM live WHERE status = 'removed'
    ORDER BY severity DESC, opened, row"""
_HEALTH: Final = """
    SELECT id, component, state, detail, at FROM health
    JOIN hosts ON hosts.number = host AND retired = 0 ORDER BY at DESC, id, component"""
_GAPS: Final = """
    SELECT id, role, subject, reason, started, ended, closed_by FROM gaps
    JOIN hosts ON hosts.number = host AND retired = 0
    ORDER BY ended = 0 DESC, started DESC, id, subject"""
_AUDITS: Final = """
    SELECT id, chain, sequence, sha256, heard, fault FROM audits
    JOIN hosts ON hosts.number = host AND retired = 0 ORDER BY fault = '', id, chain"""
_ACTS: Final = """
    SELECT id, chain, sequence, sha256, at, actor, act, subject, result FROM acts
    JOIN hosts ON hosts.number = host AND retired = 0 ORDER BY at DESC, id, chain"""
_SEVERITIES: Final = "SELECT severity, count(*) FROM live WHERE status = 'open' GROUP BY severity"


def view(folder: Path, now: float, silent: float, most: int) -> View:
    """Give what there is to show, at most so many rows of each list; raises StoreError.

    silent: seconds after which a host that says nothing is silent.
    """
    with reading(folder) as base:
        hosts = hostrows.rows(base, now - silent)
        lists = _Lists(base, most)
        return View(
            at=now,
            silent_after=silent,
            counts=_counts(base, hosts),
            hosts=tuple(lists.cut("hosts", hosts)),
            images=tuple(_image(base, *row) for row in lists.some("images", _IMAGES)),
            checks=_checks(base, now),
            removed=tuple(_leak(*row) for row in lists.some("removed", _REMOVED)),
            health=tuple(_filled(HealthRow, row) for row in lists.some("health", _HEALTH)),
            gaps=tuple(_filled(GapRow, row) for row in lists.some("gaps", _GAPS)),
            audits=tuple(_filled(AuditRow, row) for row in lists.some("audits", _AUDITS)),
            acts=tuple(_filled(ActRow, row) for row in lists.some("acts", _ACTS)),
            trend=trends.days(base, now),
            left_out=lists.left_out,
        )


def hosts(folder: Path, now: float, silent: float, *, retired: bool) -> list[HostRow]:
    """Give every host, the most urgent first; raises StoreError."""
    with reading(folder) as base:
        return hostrows.rows(base, now - silent, retired=retired)


class _Lists:
    """Cuts lists at a limit, and keeps how much was cut."""

    def __init__(self, base: sqlite3.Connection, most: int) -> None:
        self._base, self._most = base, most
        self.left_out: dict[str, int] = {}

    def some(self, name: str, query: str) -> list[tuple[Any, ...]]:
        found = self._base.execute(query)
        rows = found.fetchmany(self._most)
        others = sum(1 for _ in found)
        if others:
            self.left_out[name] = others
        return rows

    def cut(self, name: str, hosts: list[HostRow]) -> list[HostRow]:
        if len(hosts) > self._most:
            self.left_out[name] = len(hosts) - self._most
        return hosts[: self._most]


def _counts(base: sqlite3.Connection, hosts: list[HostRow]) -> Counts:
    found = dict(base.execute(_SEVERITIES).fetchall())
    [[retired]] = base.execute("SELECT count(*) FROM hosts WHERE retired > 0")
    return Counts(
        hosts=len(hosts),
        silent=sum(host.silent for host in hosts),
        out_of_step=sum(host.out_of_step > 0 for host in hosts),
        cloned=sum(host.cloned for host in hosts),
        retired=retired,
        open=sum(host.open for host in hosts),
        removed=sum(host.removed for host in hosts),
        suppressed=sum(host.suppressed for host in hosts),
        severities={one.label: found.get(one.value, 0) for one in reversed(Severity)},
    )


def _image(  # noqa: PLR0913, PLR0917 - the columns of a row
    base: sqlite3.Connection,
    image: str,
    check: str,
    worst: int,
    hosts: int,
    findings: int,
    oldest: float,
    newest: float,
    row: int,
) -> ImageRow:
    [[known]] = base.execute("SELECT known FROM findings WHERE rowid = ?", (row,))
    finding = packing.unpack(known, Tracked).finding
    return ImageRow(
        image=image,
        check=check,
        severity=severity(worst),
        place=text(place.shown(finding.location.path)),
        key_path=text(finding.location.key_path),
        message=text(finding.message),
        hosts=hosts,
        findings=findings,
        oldest=oldest,
        newest=newest,
    )


def _checks(base: sqlite3.Connection, now: float) -> tuple[CheckRow, ...]:
    ages = {"day": now - _DAY, "week": now - 7 * _DAY, "month": now - 30 * _DAY}
    rows = base.execute(_CHECKS, ages)
    return tuple(
        _filled(CheckRow, (check, severity(worst), *others)) for check, worst, *others in rows
    )


def _leak(host: str, worst: int, removed: float, known: bytes) -> LeakRow:
    tracked = packing.unpack(known, Tracked)
    finding = tracked.finding
    return LeakRow(
        host=host,
        check=finding.check,
        severity=severity(worst),
        place=text(finding.location.path),
        key_path=text(finding.location.key_path),
        preview=text(finding.evidence.preview) if finding.evidence else "",
        first_seen=tracked.first_seen,
        removed=removed,
    )


def _filled(kind: type[_R], row: tuple[Any, ...]) -> _R:
    """Make a row whose fields are the columns, in their order."""
    return kind(**dict(zip(kind.__struct_fields__, row, strict=True)))
