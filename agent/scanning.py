"""Run one scan: walk, look in parallel, join what belongs together, suppress, report. EDGE."""

from __future__ import annotations

import datetime
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from agent.pool import Pool
from agent.report import Counts, Report
from checks import catalog, files, keyfiles, suppress
from checks.inspect import Inspector
from checks.model import Finding, Inconclusive
from checks.scan import Orders, Result, Scanner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from checks.secrets.engine import Engine


class Job(NamedTuple):
    """What to scan and how."""

    roots: tuple[str, ...]
    orders: Orders
    engine: Engine
    formats: catalog.Index
    processes: int
    version: str
    progress: Callable[[Result], None] | None = None


class Scanned(NamedTuple):
    """A report and, when a baseline is being taken, its entries."""

    report: Report
    accepted: list[suppress.Entry]


def run(job: Job) -> Scanned:
    """Scan the roots; what cannot be looked at is part of the report, not an error."""
    started = datetime.datetime.now(datetime.UTC)
    clock = time.monotonic()
    total = look(job)
    policy = job.orders.policy
    findings, waived = suppress.waive(total.findings, policy.waivers, started.date())
    report = Report(
        version=job.version,
        started=started.isoformat(timespec="seconds"),
        seconds=time.monotonic() - clock,
        roots=job.roots,
        counts=Counts(
            files=total.files,
            bytes_looked_at=total.bytes,
            text_bytes=total.text_bytes,
            archive_members=total.members,
            not_applicable=total.not_applicable,
            degraded=total.degraded,
        ),
        findings=tuple(sorted(findings, key=_order)),
        suppressed=tuple(sorted(total.suppressed + waived, key=lambda s: _order(s.finding))),
        inconclusive=tuple(sorted(total.inconclusive, key=lambda i: (i.reason, i.path))),
        policy=policy.name,
    )
    return Scanned(report, total.accepted)


def _order(finding: Finding) -> tuple[str, int, str, str]:
    return finding.location.path, finding.location.line, finding.check, finding.identity


def look(job: Job) -> Result:
    """Scan the roots and join their keys; what was found in no order, nothing of it waived."""
    total = Result(not_applicable=Counter())
    scanner = _scanner(job)
    pool = Pool(scanner.file, job.processes, job.orders.policy.files.seconds_per_file)
    for result in pool.run(_paths(job, total)):
        _add(total, result)
        if job.progress is not None:
            job.progress(total)
    if total.keys:
        _join_keys(job, scanner, total)
    roots = sorted(job.roots, key=len, reverse=True)
    total.findings = [_rooted(finding, roots) for finding in total.findings]
    return total


def _join_keys(job: Job, scanner: Scanner, total: Result) -> None:
    """Compare keys with each other and with the certificates in and beside their folders."""
    folders = {os.path.dirname(key.path) for key in total.keys}
    folders |= {os.path.dirname(folder) for folder in folders}
    wanted = [
        path
        for path, _ in total.certificates
        if not folders.isdisjoint({os.path.dirname(path), os.path.dirname(os.path.dirname(path))})
    ]
    read = list(certificates(job, wanted))
    for path, spki, fault in keyfiles.joined(total.keys, read):
        result = Result(not_applicable={})
        scanner.fault(path, spki, fault, result)
        _add(total, result)


def certificates(job: Job, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give path and SHA-256 of the key, in hex, for the first certificate of each file."""
    scanner = _scanner(job)
    pool = Pool(scanner.certificate, job.processes, job.orders.policy.files.seconds_per_file)
    for result in pool.run(paths):
        yield from (pair for pair in result.certificates if pair[1])


def _scanner(job: Job) -> Scanner:
    return Scanner(Inspector(job.engine, catalog.Formats(job.formats)), job.orders)


def _rooted(finding: Finding, roots: list[str]) -> Finding:
    """Say under which scanned path a finding lies."""
    path = finding.location.path
    for root in roots:
        if path == root or path.startswith((root.rstrip("/") + "/", root + "!/")):
            location = msgspec.structs.replace(finding.location, root=root)
            return msgspec.structs.replace(finding, location=location)
    return finding


def _paths(job: Job, total: Result) -> Iterator[str]:
    told = job.orders.policy.files
    for walked in files.walk(job.roots, told.exclude, believing=told.ignore_files):
        if isinstance(walked, str):
            yield walked
        elif isinstance(walked, Inconclusive):
            total.inconclusive.append(walked)
        else:
            total.count(walked.kind)


def _add(total: Result, part: Result) -> None:
    total.files += part.files
    total.bytes += part.bytes
    total.text_bytes += part.text_bytes
    total.members += part.members
    total.degraded += part.degraded
    for kind, number in part.not_applicable.items():
        total.not_applicable[kind] = total.not_applicable.get(kind, 0) + number
    total.findings += part.findings
    total.suppressed += part.suppressed
    total.inconclusive += part.inconclusive
    total.keys += part.keys
    total.certificates += part.certificates
    total.accepted += part.accepted


def processes() -> int:
    """Give how many processes may run at once on this machine."""
    return len(os.sched_getaffinity(0))
