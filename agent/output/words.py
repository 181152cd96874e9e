"""Say numbers and places in words, the same in every output made for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from checks.printable import printable

if TYPE_CHECKING:
    from agent.report import Report
    from checks.model import Access, Finding, Origin, Suppressed

_KIB: Final = 1024
_MINUTE: Final = 60
_KINDS: Final[dict[str, tuple[str, str]]] = {
    "binary": ("binary file", "binary files"),
    "empty": ("empty file", "empty files"),
    "fifo": ("FIFO", "FIFOs"),
    "link": ("symbolic link", "symbolic links"),
}
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB", "PiB")


def plural(count: int, word: str, words: str = "") -> str:
    """Give "1 file" or "2,345 files"."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def size(count: int) -> str:
    """Give a number of bytes as "512 bytes", "1.5 KiB", "12.0 MiB"."""
    if count < _KIB:
        return plural(count, "byte")
    power = min((count.bit_length() - 1) // 10, len(_UNITS))
    return f"{count / _KIB**power:,.1f} {_UNITS[power - 1]}"


def duration(seconds: float) -> str:
    """Give "0.42 s", "12.3 s" or "3 min 20 s"."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    return f"{int(seconds // _MINUTE):,} min {int(seconds % _MINUTE)} s"


def place(finding: Finding, *, longest: int = 120) -> str:
    """Give "12:database.password", "12" or "database.password", "" when neither is known."""
    where = finding.location
    parts = (str(where.line) if where.line else "", printable(where.key_path, longest=longest))
    return ":".join(part for part in parts if part)


def evidence(finding: Finding) -> str:
    """Give the mask and the length of a value, "" when the finding is not about one."""
    if not finding.evidence or not finding.evidence.preview:
        return ""
    preview = printable(finding.evidence.preview)
    return f"{preview}, {plural(finding.evidence.length, 'character')}"


def origin(came: Origin | None) -> str:
    """Say how something came into an image and what became of it, "" of what is in none."""
    if came is None:
        return ""
    step = f"by step {came.step}" if came.step else ""
    parts = [": ".join(filter(None, (step, printable(came.built))))]
    if came.base is not None:
        parts.append("in the base image" if came.base else "not in the base image")
    if came.fate:
        parts.append(
            f"still in the image though {came.fate} by layer {came.by}:"
            " anyone with the image can read it"
        )
    return "; ".join(filter(None, parts))


def access(who: Access | None) -> str:
    """Give "root:www-data 0640, readable by group", "" when it is not known."""
    if not who:
        return ""
    owner, group = printable(who.owner or str(who.uid)), printable(who.group or str(who.gid))
    return f"{owner}:{group} {who.mode:04o}, readable by {who.readers}"


def readers(who: Access | None) -> str:
    """Give the widest class that can read: "everyone", "group", "owner", or "unknown"."""
    return who.readers if who else "unknown"


def justification(one: Suppressed) -> str:
    """Give who suppressed a finding, why and until when; of a mark also whose file it stands in."""
    by, who = one.suppression, one.finding.access
    parts = [f"{by.kind} by {by.owner}" if by.owner else by.kind]
    if by.kind == "mark" and who:
        parts.append(f"in a file of {who.owner or who.uid}")
    if by.until:
        parts.append(f"until {by.until}")
    return printable(f"{', '.join(parts)}: {by.reason or 'no reason given'}")


def verdict(report: Report) -> str:
    """Give the outcome as one sentence that never calls clean what was not seen."""
    count = len(report.findings)
    if count:
        parts = [f"{n:,} {severity.label}" for severity, n in report.severities.items() if n]
        return f"{plural(count, 'finding')}: {', '.join(parts)}."
    if report.inconclusive:
        return "No findings in what could be looked at."
    return "No findings."


def extent(report: Report) -> str:
    """Give how much was looked at, in what time and under which policy."""
    counts = report.counts
    if counts.endpoints or not report.roots:
        asked = (
            f"{plural(counts.endpoints, 'endpoint')} by {plural(counts.connections, 'connection')}"
        )
        return f"Looked at {asked}, in {duration(report.seconds)}{_under(report)}."
    parts = [plural(counts.files, "file")]
    if counts.archive_members:
        parts.append(plural(counts.archive_members, "archive member"))
    looked = f"{size(counts.bytes_looked_at)}, in {duration(report.seconds)}"
    return f"Looked at {' and '.join(parts)}, {looked}{_under(report)}."


def _under(report: Report) -> str:
    policy = printable(" ".join(part for part in (report.policy, report.policy_version) if part))
    return f" under policy {policy}" if policy else ""


def not_applicable(report: Report) -> str:
    """Give what had no content to look at, by kind, "" when there was nothing of the sort."""
    kinds = sorted(report.counts.not_applicable.items(), key=lambda one: (-one[1], one[0]))
    parts = [plural(count, *_KINDS.get(kind, (printable(kind),))) for kind, count in kinds if count]
    return f"Not applicable: {', '.join(parts)}." if parts else ""


def degraded(report: Report) -> str:
    """Give how many files were read line by line, "" when none was."""
    count = report.counts.degraded
    if not count:
        return ""
    return f"{plural(count, 'file')} did not keep to {_its(count)} format: read line by line."


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def suppressed_by_kind(report: Report) -> str:
    """Give "3 suppressed: 2 by baseline, 1 by mark", "" when nothing was."""
    if not report.suppressed:
        return ""
    kinds = Counter(one.suppression.kind for one in report.suppressed)
    parts = [f"{count:,} by {printable(kind)}" for kind, count in sorted(kinds.items())]
    return f"{len(report.suppressed):,} suppressed: {', '.join(parts)}."
