"""What one scan has to say, whole and in a fixed order, before any output gives it a form."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from checks.model import Finding, Inconclusive, Severity, Suppressed

if TYPE_CHECKING:
    from checks.tls.summary import EndpointSummary

TOOL: Final = "hygiene-agent"


class CheckInfo(msgspec.Struct, frozen=True):
    """What is known of a check without any finding: its title (a noun phrase) and how to mend."""

    title: str
    severity: Severity
    fix: str
    references: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True):
    """How much was looked at.

    text_bytes: those of bytes_looked_at that were text; not_applicable: what has no content to
    look at, by kind ("fifo", "socket", "device", "link", "empty", "binary"); degraded: files that
    were not what their format promises and were read line by line.
    """

    files: int = 0
    bytes_looked_at: int = 0
    text_bytes: int = 0
    archive_members: int = 0
    not_applicable: dict[str, int] = {}
    degraded: int = 0
    endpoints: int = 0
    """TLS endpoints that were asked, by so many connections."""
    connections: int = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one scan, each list in the order in which it is to be read.

    version: of the tool; started: ISO 8601 with a zone; seconds: how long it took; roots: what was
    scanned, as given; notes: what a TLS profile has that no look can judge; policy, policy_version:
    "" where there is none; inside: what the paths are in where that is no file system of this host,
    an image in words or the folder of an unpacked root. Paths may hold surrogates (PEP 383) and
    control characters: every output makes them safe in its own way.
    """

    version: str
    started: str
    seconds: float
    roots: tuple[str, ...]
    counts: Counts = Counts()
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    inconclusive: tuple[Inconclusive, ...] = ()
    notes: tuple[str, ...] = ()
    endpoints: tuple[EndpointSummary, ...] = ()
    policy: str = ""
    policy_version: str = ""
    inside: str = ""

    @property
    def severities(self) -> dict[Severity, int]:
        """Count the findings per severity, most severe first, 0 included."""
        seen = Counter(finding.severity for finding in self.findings)
        return {severity: seen[severity] for severity in reversed(Severity)}

    def exit_status(self, threshold: Severity) -> int:
        """1 when a finding reaches the threshold, else 3 when something was not seen, else 0."""
        if any(finding.severity >= threshold for finding in self.findings):
            return 1
        return 3 if self.inconclusive else 0
