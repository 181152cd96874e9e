r"""Write a report as JSON: one object, or one event a line.

Pure ASCII, so nothing in it can move a terminal's cursor. A path or name that is not UTF-8 stands
as text with its odd bytes written \xNN, and whole in base64 beside it (`path_base64`).
"""

from __future__ import annotations

import base64
from json import dumps
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.report import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from agent.report import CheckInfo, Report
    from checks.model import Access, Evidence, Finding, Inconclusive, Origin, Suppressed
    from checks.tls.summary import EndpointSummary

SCHEMA: Final = "hygiene-agent/scan/1"

_Object = dict[str, Any]


def render_json(report: Report, _infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give one object, with one finding a line in its lists."""
    head = {"schema": SCHEMA, **_run(report), "summary": _summary(report), "notes": _notes(report)}
    yield "{\n"
    yield from (f"{dumps(key)}: {dumps(value)},\n" for key, value in head.items())
    yield from _list("endpoints", map(endpoint_object, report.endpoints), ",\n")
    yield from _list("findings", map(finding_object, report.findings), ",\n")
    yield from _list("suppressed", map(suppressed_object, report.suppressed), ",\n")
    yield from _list("inconclusive", map(inconclusive_object, report.inconclusive), "\n}\n")


def render_jsonl(report: Report, _infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give one object a line, its kind in `event`; the last one is the summary."""
    for finding in report.findings:
        yield _event("finding", finding_object(finding))
    for suppressed in report.suppressed:
        yield _event("suppressed", suppressed_object(suppressed))
    for inconclusive in report.inconclusive:
        yield _event("inconclusive", inconclusive_object(inconclusive))
    for endpoint in report.endpoints:
        yield _event("endpoint", endpoint_object(endpoint))
    yield _event("summary", {**_run(report), **_summary(report), "notes": _notes(report)})


def _event(kind: str, content: _Object) -> str:
    return dumps({"event": kind, "schema": SCHEMA, **content}) + "\n"


def _list(name: str, objects: Iterable[_Object], end: str) -> Iterator[str]:
    yield f"{dumps(name)}: ["
    separator = "\n"
    for one in objects:
        yield f"{separator}{dumps(one)}"
        separator = ",\n"
    yield f"]{end}"


def _run(report: Report) -> _Object:
    return {
        "tool": TOOL,
        "version": report.version,
        "started": report.started,
        "seconds": round(report.seconds, 3),
        "roots": [text(root) for root in report.roots],
        "policy": {"name": text(report.policy), "version": text(report.policy_version)},
    }


def _notes(report: Report) -> list[str]:
    return [text(note) for note in report.notes]


def _summary(report: Report) -> _Object:
    counts = report.counts
    return {
        "findings": len(report.findings),
        "severities": {severity.label: count for severity, count in report.severities.items()},
        "suppressed": len(report.suppressed),
        "inconclusive": len(report.inconclusive),
        "files": counts.files,
        "bytes_looked_at": counts.bytes_looked_at,
        "text_bytes": counts.text_bytes,
        "archive_members": counts.archive_members,
        "not_applicable": {text(kind): n for kind, n in sorted(counts.not_applicable.items())},
        "degraded": counts.degraded,
        "endpoints": counts.endpoints,
        "connections": counts.connections,
    }


def finding_object(finding: Finding) -> _Object:
    """Give a finding with every key present; what is not known is null, 0 or ""."""
    where = finding.location
    return {
        "check": finding.check,
        "severity": finding.severity.label,
        "confidence": finding.confidence.label,
        **path_fields(where.path),
        "line": where.line,
        "column": where.column,
        "key_path": text(where.key_path),
        "layer": text(where.layer),
        "origin": origin_object(finding.origin),
        "message": text(finding.message),
        "fix": text(finding.fix),
        "snippet": text(finding.snippet),
        "evidence": _evidence(finding.evidence),
        "access": _access(finding.access),
        "references": [text(reference) for reference in finding.references],
        "identity": finding.identity,
    }


def endpoint_object(endpoint: EndpointSummary) -> _Object:
    """Give a TLS endpoint as it was seen; every text in it is safe already but for HSTS."""
    return {**msgspec.to_builtins(endpoint), "hsts": endpoint.hsts and text(endpoint.hsts)}


def suppressed_object(one: Suppressed) -> _Object:
    """Give a suppressed finding with who answers for it under `suppression`."""
    by = one.suppression
    return {
        **finding_object(one.finding),
        "suppression": {
            "kind": by.kind,
            "owner": text(by.owner),
            "reason": text(by.reason),
            "until": text(by.until),
        },
    }


def inconclusive_object(one: Inconclusive) -> _Object:
    """Give what was not looked at, and why."""
    return {**path_fields(one.path), "reason": text(one.reason), "detail": text(one.detail)}


def path_fields(path: str) -> dict[str, str]:
    """Give `path` as text, and `path_base64` where that is not the whole truth."""
    shown = text(path)
    if shown == path:
        return {"path": path}
    return {"path": shown, "path_base64": base64.b64encode(raw(path)).decode("ascii")}


def text(value: str) -> str:
    r"""Give a text without lone surrogates: bytes that are not UTF-8 are written \xNN."""
    return raw(value).decode("utf-8", "backslashreplace")


def raw(value: str) -> bytes:
    """Give the bytes that a path or a text from a host was read from."""
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, from an escape in a file
        return value.encode("utf-8", "surrogatepass")


def _evidence(evidence: Evidence | None) -> _Object | None:
    if evidence is None:
        return None
    marks = [{"key": mark.key, "value": mark.value} for mark in evidence.fingerprints]
    return {"preview": text(evidence.preview), "length": evidence.length, "fingerprints": marks}


def origin_object(origin: Origin | None) -> _Object | None:
    """Give where in an image something is, with every key present."""
    if origin is None:
        return None
    return {name: getattr(origin, name) for name in origin.__struct_fields__}


def _access(access: Access | None) -> _Object | None:
    if access is None:
        return None
    return {
        "uid": access.uid,
        "gid": access.gid,
        "mode": f"{access.mode:04o}",
        "owner": text(access.owner),
        "group": text(access.group),
        "readers": access.readers,
    }
