"""Write an event in OCSF 1.8, so that any log platform can read it. Pure.

A readable secret is a Data Security Finding (2006), every other finding a Compliance Finding
(2003); what the agent could not see, what happens to itself and what it had to give up are
Detection Findings (2004); a digest of what is open is a Base Event (0). Attributes that OCSF calls
deprecated are not used. What OCSF has no word for is whole under `unmapped.hygiene`.

Source: https://schema.ocsf.io/1.8.0
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from agent import envelope, ocsfclasses
from agent.output.jsonout import text

if TYPE_CHECKING:
    from agent.events import Event, Host
    from agent.ocsfclasses import Class

VERSION: Final = "1.8.0"
SHORTEST: Final = 1024
"""Bytes that the shortest form of a report stays within."""
_CUT: Final = 120
"""Bytes of a text in the shortest form."""
_PRODUCT: Final = "hygiene-agent"
_SEVERITIES: Final = ("Unknown", "Informational", "Low", "Medium", "High", "Critical")
_OTHER: Final = 99

_Object = dict[str, Any]


def line(told: Event, host: Host) -> bytes:
    """Give an event as one line of JSON in ASCII, its line feed included."""
    return _dumped(event(told, host)) + b"\n"


def event(told: Event, host: Host) -> _Object:
    """Give an event as an object of OCSF."""
    made = _whole(told, host)
    made["unmapped"] = {"hygiene": envelope.wrap(told, host)}
    return made


def short(told: Event, host: Host, most: int) -> bytes:
    """Give an event as JSON without a line feed, in at most so many bytes, SHORTEST or more.

    Over that it is left out, in this order, until the rest fits: `unmapped`; everything but the
    class, times, severity, status, the ids of event, finding and host, and the beginnings of texts.
    `metadata.is_truncated` and `untruncated_size` say so.
    """
    whole = _dumped(event(told, host))
    if len(whole) <= most:
        return whole
    for made in (_whole(told, host), _least(told, host)):
        made["metadata"] |= {"is_truncated": True, "untruncated_size": len(whole)}
        shorter = _dumped(made)
        if len(shorter) <= most:
            break
    return shorter


def severity(told: Event) -> int:
    """Give OCSF's number of an event's severity: 1 informational to 5 critical."""
    return ocsfclasses.of(told).severity


def _whole(told: Event, host: Host) -> _Object:
    """Give what OCSF has words for."""
    about = ocsfclasses.of(told)
    made: _Object = {
        **_head(told, about),
        **about.attributes,
        "metadata": _metadata(told, host, about),
        "device": _device(host),
    }
    safe: _Object = envelope.safely(made)
    return safe


def _head(told: Event, about: Class) -> _Object:
    """Give what says which kind of event it is; names beside numbers are OCSF's own captions."""
    return {
        "activity_id": about.activity.number,
        "activity_name": about.activity.name,
        "category_uid": about.category.number,
        "category_name": about.category.name,
        "class_uid": about.number,
        "class_name": about.name,
        "type_uid": about.number * 100 + about.activity.number,
        "type_name": f"{about.name}: {_caption(about.activity)}",
        "severity_id": about.severity,
        "severity": _SEVERITIES[about.severity],
        "status_id": about.status.number,
        "status": about.status.name,
        **({"status_detail": about.detail} if about.detail else {}),
        "time": ocsfclasses.milliseconds(told.at),
        "message": about.message,
    }


def _caption(activity: ocsfclasses.Word) -> str:
    return "Other" if activity.number == _OTHER else activity.name


def _metadata(told: Event, host: Host, about: Class) -> _Object:
    tags = [{"name": name, "value": value} for name, value in host.labels.items()]
    if host.cloned:
        tags.append({"name": "hygiene-agent.cloned", "value": "true"})
    sequence = told.id.rpartition("-")[2]
    return {
        "version": VERSION,
        "uid": told.id,
        **({"sequence": int(sequence)} if _is_number(sequence) else {}),
        "event_code": told.kind.value,
        "log_name": _PRODUCT,
        "product": {
            "name": _PRODUCT,
            "vendor_name": _PRODUCT,
            **({"version": host.version} if host.version else {}),
            **({"feature": {"name": told.role}} if told.role else {}),
        },
        "profiles": list(about.profiles),
        **({"tags": tags} if tags else {}),
    }


def _is_number(sequence: str) -> bool:
    return sequence.isascii() and sequence.isdecimal() and len(sequence) < 19


def _device(host: Host) -> _Object:
    """Give the host; its image may stand for a thousand of them."""
    agent: _Object = {"name": _PRODUCT, "type_id": _OTHER, "type": "Hygiene"}
    if host.version:
        agent["version"] = host.version
    if host.policy:
        agent["policies"] = [{"uid": host.policy, "is_applied": True}]
    name, _, tag = host.image.rpartition(":") if ":" in host.image else (host.image, "", "")
    image: _Object = {"uid": host.image, "name": name, **({"labels": [tag]} if tag else {})}
    return {
        "type_id": 0,
        "type": "Unknown",
        "uid": host.id,
        "name": host.name,
        "hostname": host.name,
        **({"image": image} if host.image else {}),
        "agent_list": [agent],
    }


def _least(told: Event, host: Host) -> _Object:
    """Give the least that still says what happened where."""
    about = ocsfclasses.of(told)
    head = _head(told, about)
    made: _Object = {
        **{key: head[key] for key in ("activity_id", "category_uid", "class_uid", "type_uid")},
        **{key: head[key] for key in ("severity_id", "status_id", "time")},
        "message": _beginning(about.message),
        "metadata": {
            "version": VERSION,
            "uid": _beginning(told.id),
            "product": {"name": _PRODUCT},
            "profiles": ["host"],
        },
        "device": {"type_id": 0, "uid": _beginning(host.id)},
    }
    if "finding_info" in about.attributes:
        made["finding_info"] = {"uid": _beginning(about.attributes["finding_info"]["uid"])}
    if "compliance" in about.attributes:
        made["compliance"] = {"status_id": about.attributes["compliance"]["status_id"]}
    return made


def _beginning(value: str) -> str:
    """Cut a text so that it takes no more than _CUT bytes of JSON."""
    shown = text(value[:_CUT])
    while len(_dumped(shown)) > _CUT:
        shown = shown[:-1]
    return shown


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()
