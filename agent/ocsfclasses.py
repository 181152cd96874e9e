"""Choose the OCSF class of an event, and fill in what belongs to that class. Pure."""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent import findings
from agent.events import Kind
from checks.lazy import regex
from checks.model import Severity

if TYPE_CHECKING:
    from agent.events import Dropped, Event, Gap, Health
    from checks.model import Access, Evidence, Finding

_Object = dict[str, Any]
_ENDPOINT: Final = regex(r"(?:[a-z0-9]{2,8}\+)?tls://")


class Word(NamedTuple):
    """A number of an enumeration with its caption."""

    number: int
    name: str


class Class(NamedTuple):
    """What an event is in OCSF. severity: OCSF's number; detail: more on the status, or ""."""

    number: int
    name: str
    category: Word
    activity: Word
    severity: int
    status: Word
    message: str
    attributes: _Object
    detail: str = ""
    profiles: tuple[str, ...] = ("host",)


_FINDINGS: Final = Word(2, "Findings")
_NONE: Final = Word(0, "Uncategorized")
_CREATE: Final = Word(1, "Create")
_UPDATE: Final = Word(2, "Update")
_CLOSE: Final = Word(3, "Close")
_NEW: Final = Word(1, "New")
_PROGRESS: Final = Word(2, "In Progress")
_SUPPRESSED: Final = Word(3, "Suppressed")
_RESOLVED: Final = Word(4, "Resolved")
_INFORMATIONAL: Final = 1
_LOW: Final = 2
_MEDIUM: Final = 3
_HIGH: Final = 4
_SURE: Final = (Word(1, "Low"), Word(2, "Medium"), Word(3, "High"))
_ACTIVITIES: Final = {Kind.OPENED: _CREATE, Kind.RESOLVED: _CLOSE}
_PASS: Final = Word(1, "Pass")
_FAIL: Final = Word(3, "Fail")


def milliseconds(at: float) -> int:
    """Give OCSF's time of ours: milliseconds since 1970."""
    return round(at * 1000)


def of(event: Event) -> Class:
    """Give the class of an event; one without its content is a base event that says its kind."""
    if event.finding is not None:
        return _finding(event, event.finding)
    if event.gap is not None:
        return _gap(event, event.gap)
    if event.health is not None:
        return _health(event, event.health)
    if event.dropped is not None:
        return _dropped(event, event.dropped)
    return _base(event)


# Findings


def _finding(event: Event, finding: Finding) -> Class:
    leak = findings.is_leak(finding)
    status, detail = _standing(event, leak=leak)
    own = _leak(finding) if leak else _deviation(finding, status)
    sure = _SURE[finding.confidence]
    return Class(
        number=2006 if leak else 2003,
        name="Data Security Finding" if leak else "Compliance Finding",
        category=_FINDINGS,
        activity=_ACTIVITIES.get(event.kind, _UPDATE),
        severity=finding.severity - Severity.INFO + 1,
        status=status,
        message=finding.message,
        attributes={
            "finding_info": _info(event, finding, leak=leak),
            "resources": [_resource(finding)],
            "confidence_id": sure.number,
            "confidence": sure.name,
            **({"comment": event.suppression.reason} if event.suppression else {}),
            **own,
        },
        detail=detail,
        profiles=("host", "security_control"),
    )


def _standing(event: Event, *, leak: bool) -> tuple[Word, str]:
    """Give the status of a finding, and what there is to say about it."""
    if event.kind is Kind.RESOLVED:
        return _RESOLVED, "the value was changed" if leak else "not there any more"
    if event.kind is Kind.REMOVED:
        return _PROGRESS, "removed but not rotated"
    by = event.suppression
    if by is not None:
        until = f" until {by.until}" if by.until else ""
        return _SUPPRESSED, f"{by.kind} of {by.owner}{until}"
    return (_SUPPRESSED, "") if event.kind is Kind.SUPPRESSED else (_NEW, "")


def _info(event: Event, finding: Finding, *, leak: bool) -> _Object:
    """Describe the finding; where the class has no place for the remedy it is said here."""
    marks = finding.evidence.fingerprints if finding.evidence else ()
    tags = [{"name": f"fingerprint.{mark.key}", "value": mark.value} for mark in marks]
    remedy = f" {finding.fix}" if leak else ""
    return {
        "uid": finding.identity or event.id,
        "title": finding.message,
        "desc": finding.message + remedy,
        "types": [finding.check],
        "analytic": {"uid": finding.check, "name": finding.check, "type_id": 1, "type": "Rule"},
        **_when("first_seen_time", event.first_seen),
        **_when("last_seen_time", event.last_seen),
        **({"tags": tags} if tags else {}),
        **({"src_url": url} if (url := _url(finding)) else {}),
    }


def _when(name: str, at: float) -> _Object:
    return {name: milliseconds(at)} if at else {}


def _url(finding: Finding) -> str:
    return next((one for one in finding.references if one.startswith("https://")), "")


def _leak(finding: Finding) -> _Object:
    """Describe a readable value by its mask; nothing in it is the value."""
    evidence: Evidence | None = finding.evidence
    is_file = not _ENDPOINT.match(finding.location.path)
    return {
        "data_security": {
            "category_id": 6,
            "category": "Security",
            "confidentiality_id": 3,
            "confidentiality": "Secret",
            "data_lifecycle_state_id": 1 if is_file else 2,
            "data_lifecycle_state": "Data at-Rest" if is_file else "Data in-Transit",
            "detection_system_id": 1,
            "detection_system": "Endpoint",
            "detection_pattern": finding.check,
            **({"pattern_match": evidence.preview} if evidence and evidence.preview else {}),
        },
        **({"file": _file(finding)} if is_file else {}),
    }


def _file(finding: Finding) -> _Object:
    """Give the file; inside an archive or an image that is a member, with the whole way to it."""
    path = finding.location.path
    return {
        "name": posixpath.basename(path.rstrip("/")) or path or "/",
        "path": path,
        "type_id": 1,
        "type": "Regular File",
        **({"owner": _owner(finding.access)} if finding.access else {}),
    }


def _deviation(finding: Finding, status: Word) -> _Object:
    """Describe a fault of configuration, a key file or a listener."""
    verdict = _PASS if status is _RESOLVED else _FAIL
    standards = [one for one in finding.references if "://" not in one]
    links = [one for one in finding.references if "://" in one]
    remedy = "\n".join(filter(None, (finding.fix, finding.snippet)))
    checked = {"uid": finding.check, "status_id": verdict.number, "status": verdict.name}
    return {
        "compliance": {
            "control": finding.check,
            "status_id": verdict.number,
            "status": verdict.name,
            "checks": [checked],
            **({"standards": standards} if standards else {}),
        },
        "remediation": {"desc": remedy, **({"references": links} if links else {})},
    }


def _resource(finding: Finding) -> _Object:
    """Give the place: a file or a listener."""
    where = finding.location
    is_endpoint = _ENDPOINT.match(where.path) is not None
    known = {
        "line": where.line,
        "column": where.column,
        "key_path": where.key_path,
        "layer": where.layer,
        "readers": finding.access.readers if finding.access else "",
    }
    data = {name: value for name, value in known.items() if value}
    return {
        "uid": where.path,
        "name": where.path if is_endpoint else _file(finding)["name"],
        "type": "TLS endpoint" if is_endpoint else "File",
        "role_id": 3,
        "role": "Affected",
        **({"owner": _owner(finding.access)} if finding.access else {}),
        **({"data": data} if data else {}),
    }


def _owner(access: Access) -> _Object:
    return {"uid": str(access.uid), **({"name": access.owner} if access.owner else {})}


# About the agent itself


class _Case(NamedTuple):
    """What is told about the agent itself. uid: what several events may be about."""

    uid: str
    title: str
    message: str
    severity: int
    is_over: bool = False
    detail: str = ""


def _detection(event: Event, case: _Case, more: _Object) -> Class:
    return Class(
        number=2004,
        name="Detection Finding",
        category=_FINDINGS,
        activity=_CLOSE if case.is_over else _CREATE,
        severity=case.severity,
        status=_RESOLVED if case.is_over else _NEW,
        message=case.message,
        attributes={
            "finding_info": {"uid": case.uid, "title": case.title, "types": [event.kind.value]},
            **more,
        },
        detail=case.detail,
    )


def _gap(event: Event, gap: Gap) -> Class:
    """Tell of an interval without sight; its end has the id of its beginning."""
    title = f"changes may have gone unseen: {gap.reason}"
    more: _Object = {
        "resources": [{"uid": gap.subject, "name": gap.subject, "role_id": 3, "role": "Affected"}],
        "start_time": milliseconds(gap.started),
    }
    if gap.ended:
        more["end_time"] = milliseconds(gap.ended)
    over = f", made up for by {gap.closed_by}" if gap.closed_by else ""
    case = _Case(
        uid=_uid(event, gap.subject, gap.reason, repr(gap.started)),
        title=title,
        message=f"{gap.subject}: {title}{over}",
        severity=_INFORMATIONAL if gap.closed_by else _MEDIUM,
        is_over=bool(gap.closed_by),
        detail=gap.closed_by,
    )
    return _detection(event, case, more)


def _health(event: Event, health: Health) -> Class:
    title = f"{health.component}: {health.state}"
    message = f"{title}: {health.detail}" if health.detail else title
    return _detection(event, _Case(_uid(event, title), title, message, _LOW), {})


def _dropped(event: Event, dropped: Dropped) -> Class:
    title = "reports were given up"
    message = f"{dropped.count} {title}: {dropped.reason}"
    span = f"{dropped.first}-{dropped.last}"
    case = _Case(_uid(event, span), title, message, _HIGH)
    return _detection(event, case, {"count": dropped.count})


def _uid(event: Event, *parts: str) -> str:
    """Name what several events may be about: by the stream that tells of it and its own words."""
    words = "\0".join((event.id.rpartition("-")[0], event.kind.value, *parts))
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()


def _base(event: Event) -> Class:
    """Tell what is no finding at all: a digest, or what the agent or its administrator did."""
    return Class(
        number=0,
        name="Base Event",
        category=_NONE,
        activity=Word(99, event.kind.value.capitalize()),
        severity=_INFORMATIONAL,
        status=Word(0, "Unknown"),
        message=_said(event),
        attributes={},
    )


def _said(event: Event) -> str:
    if event.kind is Kind.AUDIT and event.audit is not None:
        one = event.audit
        words = (one.act or f"audit log {one.chain} at {one.sequence}", one.subject, one.result)
        return ": ".join(filter(None, words))
    if event.digest is not None:
        return f"{event.digest.open} open, {event.digest.removed} removed but not rotated"
    return event.kind.value
