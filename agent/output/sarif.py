"""Write a report as SARIF 2.1.0, for code scanning services and editors.

OASIS "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; section numbers below are
its. `security-severity` is the number by which GitHub sorts and names results.
"""

from __future__ import annotations

import re
from json import dumps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.output import words
from agent.output.jsonout import origin_object, text
from agent.output.uris import Base
from agent.report import TOOL
from checks.model import Severity
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.report import CheckInfo, Report
    from checks.model import Finding, Inconclusive, Location, Suppressed

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {
    Severity.CRITICAL: ("error", "9.5"),
    Severity.HIGH: ("error", "8.0"),
    Severity.MEDIUM: ("warning", "5.5"),
    Severity.LOW: ("note", "3.0"),
    Severity.INFO: ("note", "0.0"),
}
_UTC: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|\+00:00)")
_PUNCTUATION: Final = re.compile(r"[!-/:-@\[-`{-~]")
"""What may mean something in Markdown and stands for itself behind a backslash."""
_WEB: Final = re.compile(r"https?://[!-~]+")

_Object = dict[str, Any]


class _Context(NamedTuple):
    """What every result refers to."""

    base: Base
    rules: dict[str, int]


def render(report: Report, infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give one log with one run, one result a line; suppressed findings are results too."""
    found = [*report.findings, *(one.finding for one in report.suppressed)]
    checks = sorted({finding.check for finding in found})
    paths = [*(one.location.path for one in found), *(one.path for one in report.inconclusive)]
    base = Base.of(report.roots, paths, report.inside)
    context = _Context(base, {check: n for n, check in enumerate(checks)})
    yield f'{{"$schema": {dumps(_SCHEMA)}, "version": "2.1.0", "runs": [{{\n'
    yield f'"tool": {dumps(_tool(report, checks, found, infos))},\n'
    yield f'"columnKind": "unicodeCodePoints", "originalUriBaseIds": {dumps(context.base.ids)},\n'
    yield f'"invocations": [{dumps(_invocation(report, context.base))}],\n'
    yield f'"properties": {dumps(_properties(report))},\n"results": ['
    yield from _lines(_results(report, context))
    yield "]}]}\n"


def _lines(objects: Iterable[_Object]) -> Iterator[str]:
    separator = "\n"
    for one in objects:
        yield f"{separator}{dumps(one)}"
        separator = ",\n"


def _tool(
    report: Report, checks: list[str], found: list[Finding], infos: Mapping[str, CheckInfo]
) -> _Object:
    firsts = {finding.check: finding for finding in reversed(found)}
    rules = [_rule(check, firsts[check], infos.get(check)) for check in checks]
    driver = {"name": TOOL, "version": report.version, "rules": rules}
    return {"driver": driver}


def _rule(check: str, first: Finding, info: CheckInfo | None) -> _Object:
    """Describe a check (3.49), by one of its findings where nothing else is known of it."""
    title = text(info.title if info else check)
    severity = info.severity if info else first.severity
    fix = text(info.fix if info else first.fix)
    references = info.references if info else first.references
    level, number = _LEVELS[severity]
    rule: _Object = {
        "id": check,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}. {fix}".strip()},
        "help": _help(title, fix, references),
        "defaultConfiguration": {"level": level},
        "properties": {"security-severity": number, "tags": ["security"]},
    }
    if references and _WEB.fullmatch(references[0]):
        rule["helpUri"] = references[0]
    return rule


def _help(title: str, fix: str, references: tuple[str, ...]) -> _Object:
    web = [reference for reference in references if _WEB.fullmatch(reference)]
    plain = [f"{title}.", f"Fix: {fix}", *web]
    marked = [f"**{title}**", f"Fix: {fix}", "\n".join(f"- <{reference}>" for reference in web)]
    return {"text": "\n".join(plain), "markdown": "\n\n".join(marked).strip()}


def _results(report: Report, context: _Context) -> Iterator[_Object]:
    for finding in report.findings:
        yield {**_result(finding, context), "suppressions": []}
    for suppressed in report.suppressed:
        result = _result(suppressed.finding, context)
        yield {**result, "suppressions": [_suppression(suppressed)]}


def _result(finding: Finding, context: _Context) -> _Object:
    """Give a result (3.27); its message carries mask and length, never more of a value."""
    level, number = _LEVELS[finding.severity]
    told = " ".join(part for part in (finding.message, words.evidence(finding)) if part)
    return {
        "ruleId": finding.check,
        "ruleIndex": context.rules[finding.check],
        "level": level,
        "message": _told(_message(told or finding.check), finding.snippet),
        "locations": [_location(finding.location, context.base)],
        "partialFingerprints": {"hygieneAgent/v1": finding.identity},
        "properties": {
            "severity": finding.severity.label,
            "security-severity": number,
            "confidence": finding.confidence.label,
            "fix": text(finding.fix),
            "snippet": text(finding.snippet),
            "readers": words.readers(finding.access),
            "access": words.access(finding.access),
            "layer": text(finding.location.layer),
            **({"origin": origin_object(finding.origin)} if finding.origin else {}),
        },
    }


def _told(message: str, snippet: str) -> _Object:
    """Give a message (3.11), in Markdown with the lines that mend it as a block of code."""
    if not snippet:
        return {"text": message}
    block = "\n".join(f"    {printable(line)}" for line in snippet.splitlines())
    return {"text": message, "markdown": f"{_PUNCTUATION.sub(_escaped, message)}\n\n{block}"}


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"


def _location(where: Location, base: Base) -> _Object:
    region = {"startLine": max(1, where.line)}
    if where.line and where.column:
        region["startColumn"] = where.column
    location: _Object = {
        "physicalLocation": {"artifactLocation": base.locate(where.path), "region": region}
    }
    logical = [{"fullyQualifiedName": text(where.key_path)}] if where.key_path else []
    if where.layer:
        logical.append({"fullyQualifiedName": f"layer {text(where.layer)}", "kind": "layer"})
    return {**location, "logicalLocations": logical} if logical else location


def _suppression(one: Suppressed) -> _Object:
    """Tell marks, which stand in the file, from what stands elsewhere (3.35.2)."""
    kind = "inSource" if one.suppression.kind == "mark" else "external"
    return {"kind": kind, "status": "accepted", "justification": words.justification(one)}


def _invocation(report: Report, base: Base) -> _Object:
    notifications = [_notification(one, base) for one in report.inconclusive]
    notifications += [_note(one) for one in report.notes]
    invocation: _Object = {
        "executionSuccessful": True,
        "toolExecutionNotifications": notifications,
    }
    if started := _UTC.fullmatch(report.started):
        invocation["startTimeUtc"] = f"{started[1]}Z"
    return invocation


def _notification(one: Inconclusive, base: Base) -> _Object:
    """Say that something was not looked at (3.58)."""
    detail = f" ({one.detail})" if one.detail else ""
    told = f"not looked at: {printable(one.path)}: {one.reason}{detail}"
    return {
        "level": "warning",
        "descriptor": {"id": "inconclusive"},
        "message": {"text": _message(told)},
        "locations": [{"physicalLocation": {"artifactLocation": base.locate(one.path)}}],
    }


def _note(note: str) -> _Object:
    """Say what is neither found nor missing."""
    return {
        "level": "note",
        "descriptor": {"id": "not-judged"},
        "message": {"text": _message(f"not judged: {printable(note)}")},
    }


def _properties(report: Report) -> _Object:
    counts = report.counts
    return {
        "seconds": round(report.seconds, 3),
        "files": counts.files,
        "bytesLookedAt": counts.bytes_looked_at,
        "archiveMembers": counts.archive_members,
        "notApplicable": {text(kind): n for kind, n in sorted(counts.not_applicable.items())},
        "degraded": counts.degraded,
        "endpoints": counts.endpoints,
        "connections": counts.connections,
        "policy": text(report.policy),
        "policyVersion": text(report.policy_version),
    }


def _message(told: str) -> str:
    """Keep a viewer from reading an embedded link (3.11.6) into a hostile text."""
    return printable(told).replace("](", "] (")
