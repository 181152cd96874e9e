"""Run one scan: walk, look in parallel, join what belongs together, suppress, report. EDGE."""

from __future__ import annotations

import datetime
import glob
import os
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from agent.pool import Pool
from agent.report import Counts, Report
from checks import catalog, keyfiles, suppress, trees
from checks.inspect import Inspector
from checks.model import Finding, Inconclusive
from checks.scan import Scanner
from checks.scanned import Orders, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from agent.imagetarget import Target
    from checks.secrets.engine import Engine
    from checks.tls.profilefile import Profile


class Job(NamedTuple):
    """What to scan and how.

    image: to be scanned in place of the roots; root: the folder of an unpacked root, which is the
    only one of the roots; profiles: of TLS, that the servers configured in either are to keep;
    editions: of the layers of the policy, where it is a store's.
    """

    roots: tuple[str, ...]
    orders: Orders
    engine: Engine
    formats: catalog.Index
    processes: int
    version: str
    progress: Callable[[Result], None] | None = None
    image: Target | None = None
    root: str = ""
    profiles: tuple[Profile, ...] = ()
    editions: tuple[tuple[str, int], ...] = ()


class Scanned(NamedTuple):
    """A report and, when a baseline is being taken, its entries."""

    report: Report
    accepted: list[suppress.Entry]


def run(job: Job) -> Scanned:
    """Scan the roots; what cannot be looked at is part of the report, not an error."""
    started = datetime.datetime.now(datetime.UTC)
    clock = time.monotonic()
    total = _look(job)
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
        inside=f"the root of image {job.image.path}" if job.image else job.root,
    )
    return Scanned(report, total.accepted)


def _look(job: Job) -> Result:
    """Scan whatever it is that is to be scanned; what an image or a root needs is loaded then."""
    if job.image is not None:
        from agent import imagescan

        return imagescan.look_at(job, job.image)
    total = look(job)
    if job.root:
        from agent import rootlook

        rootlook.below(job.root, job, total)
    return total


def _order(finding: Finding) -> tuple[str, int, str, str, str]:
    where = finding.location  # the identity last: it is another on each host
    return where.path, where.line, finding.check, where.key_path, finding.identity


def look(job: Job) -> Result:
    """Scan the roots and join their keys; what was found in no order, nothing of it waived."""
    total = Result(not_applicable=Counter())
    looking = scanner(job)
    pool = Pool(looking.file, job.processes, job.orders.policy.files.seconds_per_file)
    for result in pool.run(_paths(job, total)):
        add(total, result)
        if job.progress is not None:
            job.progress(total)
    if total.keys:
        _join_keys(job, looking, total)
    if job.orders.foreign:
        return total
    roots = sorted(job.roots, key=len, reverse=True)
    total.findings = [_rooted(finding, roots) for finding in total.findings]
    return total


def _join_keys(job: Job, looking: Scanner, total: Result) -> None:
    """Compare keys with each other and with the certificates in and beside their folders."""
    folders = {os.path.dirname(key.path) for key in total.keys}
    folders |= {os.path.dirname(folder) for folder in folders}
    wanted = [
        path
        for path, _ in total.certificates
        if not folders.isdisjoint({os.path.dirname(path), os.path.dirname(os.path.dirname(path))})
    ]
    read = list(certificates(job, wanted))
    access = {key.path: key.access for key in total.keys}
    for path, spki, fault in keyfiles.joined(total.keys, read):
        result = Result(not_applicable={})
        looking.fault(path, spki, fault, result, access.get(path))
        add(total, result)


def certificates(job: Job, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give path and SHA-256 of the key, in hex, for the first certificate of each file."""
    looking = scanner(job)
    pool = Pool(looking.certificate, job.processes, job.orders.policy.files.seconds_per_file)
    for result in pool.run(paths):
        yield from (pair for pair in result.certificates if pair[1])


def scanner(job: Job) -> Scanner:
    """Make what looks at files, for one process."""
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
    told, within = job.orders.policy.files, job.orders.within
    exclude = [_below(within, one) for one in told.exclude]
    for walked in trees.walk(job.roots, exclude, believing=told.ignore_files):
        if isinstance(walked, str):
            yield walked[len(within) :]
        elif isinstance(walked, Inconclusive):
            inside = walked.path[len(within) :] or "/"
            total.inconclusive.append(msgspec.structs.replace(walked, path=inside))
        else:
            total.count(walked.kind)


def _below(root: str, pattern: str) -> str:
    """Write a glob on whole paths of a root as one on those of the folder where that is."""
    return f"{glob.escape(root)}{pattern}" if root and pattern.startswith("/") else pattern


def add(total: Result, part: Result) -> None:
    """Add to TOTAL what looking at some files gave."""
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
