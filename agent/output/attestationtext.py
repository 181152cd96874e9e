"""Say in words what an attestation says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from checks.attest import judging
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.attest.dsse import Envelope
    from checks.attest.statement import Predicate, Statement, Verdict

_Name = TypeVar("_Name", bound=str)
_LONGEST: Final = 100
_MIB: Final = 1024 * 1024


def lines(told: Statement, envelope: Envelope) -> Iterator[str]:
    """Give the lines; who signed it was not checked."""
    said = told.predicate
    yield f"about     {judging.named(told.subjects)}"
    yield f"scanned   {said.scanned}, {_scanned(said)}"
    yield f"verdict   {_verdict(said.verdict)}"
    yield f"findings  {_counts(said.findings)}"
    yield f"apart     {_counts(said.suppressed)}"
    yield f"looked at {_coverage(said)}"
    yield f"not seen  {_counts(said.coverage.not_looked_at)}"
    policy = said.policy
    yield f"policy    {_safe(policy.name)}, sha256 {policy.sha256}"
    if policy.editions:
        yield f"editions  {_editions(policy.editions)}"
    yield f"rules     sha256 {policy.rules}"
    for one in envelope.signatures:
        yield f"signed    by key {_safe(one.key) or 'without a name'}, not checked here"


def summary(told: Statement) -> str:
    """Give one line for an attestation that is believed."""
    return f"{judging.named(told.subjects)}, {_scanned(told.predicate)}"


def _scanned(said: Predicate) -> str:
    tool = f"{_safe(said.tool.name)} {_safe(said.tool.version)}"
    return f"{said.started:%Y-%m-%d %H:%M %Z} by {tool}"


def _verdict(told: Verdict) -> str:
    new = ", of what is not in the base image" if told.only_new else ""
    return f"{told.result}, by findings at or over {told.fail_on}{new}"


def _coverage(said: Predicate) -> str:
    told = said.coverage
    size = f"{told.bytes / _MIB:,.1f} MiB"
    return f"{told.files:,} files, {size}, {told.archive_members:,} members of archives"


def _counts(counts: Mapping[_Name, int]) -> str:
    return ", ".join(f"{count:,} {_safe(name)}" for name, count in counts.items()) or "nothing"


def _editions(editions: Mapping[str, int]) -> str:
    return ", ".join(f"{_safe(layer)} {number}" for layer, number in editions.items())


def _safe(text: str) -> str:
    return printable(text, longest=_LONGEST)
