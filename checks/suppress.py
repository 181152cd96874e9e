"""Decide which findings do not count: inline marks, waivers, a baseline; none is ever dropped."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from checks.errors import PolicyError
from checks.lazy import regex
from checks.model import Finding, Suppressed, Suppression

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence

    from checks.policy import Waiver

MARK: Final = regex(r"hygiene: allow ([a-z0-9][a-z0-9.\-]*)[ \t]++(?=.*\w)(\S.*)")
"""`hygiene: allow CHECK reason`, on the line of the finding or alone on the line above it."""

WAIVER: Final = "waiver"
"""The kind of suppression that ends by its date."""
_COST: Final = 1 << 14
_ENTRY_LIMIT: Final = 100_000


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, order=True):
    """One accepted finding. path: relative to the baseline file; value: slow salted hash, hex."""

    check: str
    path: str
    value: str


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was there when the baseline was taken; salt in hex."""

    format: Literal["hygiene-agent/baseline/1"]
    salt: str
    entries: tuple[Entry, ...] = ()


def read_baseline(data: bytes) -> Baseline:
    """Decode a baseline file; raises PolicyError."""
    try:
        # The library's own decoder refuses the escapes of names that are not UTF-8.
        baseline = msgspec.convert(json.loads(data), Baseline)
        bytes.fromhex(baseline.salt)
    except (msgspec.ValidationError, ValueError, RecursionError) as error:
        message = "baseline: not a baseline file of this program"
        raise PolicyError(message) from error
    if len(baseline.entries) > _ENTRY_LIMIT:
        message = f"baseline: more than {_ENTRY_LIMIT} entries"
        raise PolicyError(message)
    return baseline


def write_baseline(baseline: Baseline) -> bytes:
    """Encode a baseline, an entry a line in sorted order, so that merges are easy."""
    rows = [_row(entry) for entry in sorted(set(baseline.entries))]
    body = ",\n    ".join(rows)
    return (
        f'{{\n  "format": "{baseline.format}",\n  "salt": "{baseline.salt}",\n'
        f'  "entries": [\n    {body}\n  ]\n}}\n'
    ).encode()


def _row(entry: Entry) -> str:
    try:
        return msgspec.json.encode(entry).decode()
    except UnicodeEncodeError:  # a path that is not UTF-8: its bytes as escapes
        return json.dumps(msgspec.to_builtins(entry), separators=(",", ":"))


class Accepted:
    """Answers whether a baseline holds a value at a place; hashes only where the place is known."""

    def __init__(self, baseline: Baseline) -> None:
        """Index the entries by check and path."""
        self._salt = bytes.fromhex(baseline.salt)
        self._values: dict[tuple[str, str], set[str]] = {}
        self._hashes: dict[str, str] = {}
        for entry in baseline.entries:
            self._values.setdefault((entry.check, entry.path), set()).add(entry.value)

    def holds(self, check: str, path: str, value: str) -> bool:
        """Say whether VALUE was accepted for CHECK at PATH (relative to the baseline file)."""
        known = self._values.get((check, path))
        return known is not None and self.slow_hash(value) in known

    def slow_hash(self, value: str) -> str:
        """Give scrypt (N 2^14, r 8, p 1) of a value under the baseline's salt, hex."""
        if value not in self._hashes:
            digest = hashlib.scrypt(
                value.encode("utf-8", "surrogatepass"),
                salt=self._salt,
                n=_COST,
                r=8,
                p=1,
                dklen=20,
            )
            self._hashes[value] = digest.hex()
        return self._hashes[value]


class Mark(NamedTuple):
    """An inline mark: the check it allows and why."""

    check: str
    reason: str


def mark_at(lines: Sequence[str], line: int, check: str) -> Mark | None:
    """Give the mark that allows CHECK on a 1-based line: on it, or alone on the line above."""
    for number in (line, line - 1):
        if 1 <= number <= len(lines):
            found = MARK.search(lines[number - 1][:2000])
            if not found or found[1] != check:
                continue
            if number == line or _alone(lines[number - 1], found.start()):
                return Mark(found[1], found[2].strip()[:200])
    return None


def _alone(line: str, start: int) -> bool:
    return not re.search(r"[\w\"']", line[:start])


def waive(
    findings: Iterable[Finding], waivers: Sequence[Waiver], today: datetime.date
) -> tuple[list[Finding], list[Suppressed]]:
    """Part findings into those that count and those a waiver covers that has not run out."""
    live = [waiver for waiver in waivers if waiver.until >= today]
    counted: list[Finding] = []
    waived: list[Suppressed] = []
    for finding in findings:
        waiver = next((waiver for waiver in live if _covers(waiver, finding)), None)
        if waiver is None:
            counted.append(finding)
        else:
            until = waiver.until.isoformat()
            said = Suppression(WAIVER, waiver.owner, waiver.reason, until)
            waived.append(Suppressed(finding, said))
    return counted, waived


def _covers(waiver: Waiver, finding: Finding) -> bool:
    if waiver.fingerprint and not (
        finding.evidence
        and any(print_.value == waiver.fingerprint for print_ in finding.evidence.fingerprints)
    ):
        return False
    return fnmatch.fnmatchcase(finding.check, waiver.check) and fnmatch.fnmatchcase(
        finding.location.path, waiver.path
    )
