"""OCSF 1.8: every event is valid by the schema, and our receiver gets back what was put in.

`ocsf-1.8.0-reduced.json` holds what of the official schema we use, class by class and object by
object, without its prose. Made anew from schema.ocsf.io's export of a version by:
python tests/agent/test_ocsf.py ocsf-1.8.0.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import envelope, ocsf
from agent.envelope import EnvelopeError
from agent.events import Actor, Audit, Digest, Dropped, Event, Gap, Health, Host, Kind
from checks.model import (
    Access,
    Confidence,
    Evidence,
    Finding,
    Fingerprint,
    Location,
    Severity,
    Suppression,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Spoil = Callable[[dict[str, Any]], object]

REDUCED = Path(__file__).with_name("ocsf-1.8.0-reduced.json")
CLASSES = ("base_event", "compliance_finding", "data_security_finding", "detection_finding")
OBJECTS = (
    *("agent", "analytic", "check", "compliance", "data_security", "device", "feature", "file"),
    *("finding_info", "image", "key_value_object", "metadata", "object", "policy", "product"),
    *("remediation", "resource_details", "user"),
)
STREAM = "0123456789abcdef" * 2
HOST = Host(
    id="h-1",
    name="web-1",
    image="registry/web:7",
    labels={"team": "shop", "zone": "a"},
    version="0.4.0",
    policy="ab" * 32,
    cloned=True,
)


def reduced(official: dict[str, Any]) -> dict[str, Any]:
    """Give what of the official schema the events of this program touch."""

    def attributes(told: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for name, one in sorted(told["attributes"].items()):
            enum = one["enum"] and {key: value["caption"] for key, value in one["enum"].items()}
            kept = {
                "type": one["type"],
                "requirement": one["requirement"],
                "array": bool(one["is_array"]),
                "enum": enum,
                "profile": one["profile"],
                "sibling": one["sibling"],
                "deprecated": bool(one["@deprecated"]),
            }
            made[name] = {key: value for key, value in kept.items() if value}
        return made

    def block(told: dict[str, Any]) -> dict[str, Any]:
        kept = {key: told[key] for key in ("uid", "profiles", "constraints") if told.get(key)}
        return {**kept, "attributes": attributes(told)}

    types = {
        name: {key: one[key] for key in ("type", "max_len", "range", "regex") if one[key]}
        for name, one in sorted(official["types"].items())
    }
    return {
        "version": official["version"],
        "types": types,
        "classes": {name: block(official["classes"][name]) for name in CLASSES},
        "objects": {name: block(official["objects"][name]) for name in OBJECTS},
    }


def written(schema: dict[str, Any]) -> str:
    """Write a reduced schema with an attribute a line."""
    text = json.dumps(schema, indent=1, sort_keys=True)
    return re.sub(r"\n {5,}\s*", " ", text) + "\n"


class Validator:
    """Says what OCSF's own rules have against an event."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._by_uid = {one.get("uid", 0): one for one in schema["classes"].values()}

    def faults(self, event: dict[str, Any]) -> list[str]:
        """Give all faults, each with its place."""
        cls = self._by_uid.get(event.get("class_uid"))
        if cls is None:
            return ["class_uid: unknown"]
        profiles = event.get("metadata", {}).get("profiles", [])
        faults = [f"metadata.profiles: {one}" for one in profiles if one not in cls["profiles"]]
        if event.get("type_uid") != event["class_uid"] * 100 + event.get("activity_id", 0):
            faults.append("type_uid: not of this class and activity")
        return [*faults, *self._block(event, cls, "", profiles)]

    def _block(
        self, told: object, block: dict[str, Any], at: str, profiles: list[str]
    ) -> list[str]:
        if not isinstance(told, dict):
            return [f"{at}: not an object"]
        known = {
            name: one
            for name, one in block["attributes"].items()
            if "profile" not in one or one["profile"] in profiles
        }
        if not known:  # an object of anything
            return []
        faults = [f"{at}{name}: unknown" for name in told if name not in known]
        for name, one in known.items():
            if name not in told:
                if one["requirement"] == "required":
                    faults.append(f"{at}{name}: missing")
                continue
            faults += self._attribute(told, name, one, at, profiles)
        for rule, names in block.get("constraints", {}).items():
            count = sum(name in told for name in names)
            if (count == 0) if rule == "at_least_one" else (count != 1):
                faults.append(f"{at}: {rule} of {names}")
        return faults

    def _attribute(
        self, told: dict[str, Any], name: str, one: dict[str, Any], at: str, profiles: list[str]
    ) -> list[str]:
        value, place = told[name], f"{at}{name}"
        faults = [f"{place}: deprecated"] if "deprecated" in one else []
        if one.get("array", False) != isinstance(value, list):
            return [*faults, f"{place}: an array or none"]
        for each in value if isinstance(value, list) else [value]:
            if "enum" in one and str(each) not in one["enum"]:
                faults.append(f"{place}: {each} is not one of its numbers")
            if one["type"] in self._schema["types"]:
                faults += self._scalar(each, one["type"], place)
            elif one["type"] in self._schema["objects"]:
                inner = self._schema["objects"][one["type"]]
                faults += self._block(each, inner, f"{place}.", profiles)
            else:
                faults.append(f"{place}: {one['type']} is not in the reduced copy")
        sibling = one.get("sibling")
        if sibling in told and "enum" in one and value != 99:
            caption = one["enum"].get(str(value))
            if told[sibling] != caption:
                faults.append(f"{place}: its name is {caption}, not {told[sibling]}")
        return faults

    def _scalar(self, value: object, name: str, place: str) -> list[str]:
        rule: dict[str, Any] = self._schema["types"][name]
        base = rule.get("type", name)
        if base == "json_t":
            return []
        if base == "boolean_t":
            return [] if isinstance(value, bool) else [f"{place}: not a {name}"]
        if base == "string_t":
            return self._text(value, rule, name, place)
        if not isinstance(value, int) or isinstance(value, bool):
            return [f"{place}: not a {name}"]
        least, most = rule.get("range", (-(2**63), 2**63 - 1))
        return [] if least <= value <= most else [f"{place}: out of range"]

    def _text(self, value: object, rule: dict[str, Any], name: str, place: str) -> list[str]:
        if not isinstance(value, str):
            return [f"{place}: not a {name}"]
        if "regex" in rule and not re.search(rule["regex"], value):
            return [f"{place}: not written as a {name}"]
        return [f"{place}: too long"] if len(value) > rule.get("max_len", 1 << 30) else []


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(json.loads(REDUCED.read_text()))


def finding(**changed: object) -> Finding:
    made = Finding(
        check="postgres-url",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        location=Location("/etc/app.yml", 3, 7, key_path="db.url", root="/etc"),
        message="a database password is readable",
        fix="move it to Vault",
        evidence=Evidence("pos••••", 24, (Fingerprint("host-1", "c0ffee"),)),
        access=Access(0, 33, 0o640, "root", "www-data"),
        references=("CWE-798", "https://example.org/why"),
        identity="1d" * 32,
    )
    return msgspec.structs.replace(made, **changed)


DEVIATION = finding(
    check="tls-obsolete-protocol",
    location=Location("tls://127.0.0.1:443/a.example"),
    evidence=None,
    access=None,
    snippet="ssl_protocols TLSv1.2 TLSv1.3;",
)
KEY = finding(check="private-key-weak", evidence=Evidence("", 0, (Fingerprint("k", "v"),)))


def event(kind: Kind, **more: object) -> Event:
    told: dict[str, Any] = {
        "id": f"{STREAM}-17",
        "at": 1_780_000_000.123456,
        "role": "watcher",
        **more,
    }
    return Event(kind=kind, **told)


def about(kind: Kind, one: Finding, **more: object) -> Event:
    return event(kind, finding=one, first_seen=1_770_000_000.5, last_seen=1_780_000_000.1, **more)


WAIVER = Suppression("waiver", "ops@example.org", "known until the move", "2026-12-31")
FINDINGS = [
    about(kind, one, suppression=WAIVER if kind is Kind.SUPPRESSED else None)
    for one in (finding(), DEVIATION, KEY)
    for kind in (Kind.OPENED, Kind.CHANGED, Kind.REMOVED, Kind.RESOLVED, Kind.SUPPRESSED)
]
AGENT = [
    event(Kind.GAP, gap=Gap(subject="/srv", reason="queue overflow", started=1_779_999_990.0)),
    event(
        Kind.GAP,
        gap=Gap(
            subject="/srv",
            reason="queue overflow",
            started=1_779_999_990.0,
            ended=1_780_000_000.0,
            closed_by="rescan",
            missed=3,
        ),
    ),
    event(Kind.HEALTH, health=Health(component="courier", state="sink away", detail="siem")),
    event(Kind.DROPPED, dropped=Dropped(count=5, first=1, last=9, reason="too old")),
]
OTHERS = [
    event(Kind.DIGEST, digest=Digest(open=3, removed=1, sha256="00" * 32, epoch=2)),
    event(
        Kind.AUDIT,
        audit=Audit(
            chain="host",
            sequence=4,
            sha256="11" * 32,
            at=1.0,
            actor=Actor(uid=0, pid=3),
            act="waiver",
            subject="app",
            result="done",
        ),
    ),
]
EVERYTHING = [*FINDINGS, *AGENT, *OTHERS]


def test_the_examples_are_of_every_kind() -> None:
    """No kind of event is left untried."""
    assert {one.kind for one in EVERYTHING} == set(Kind)


@pytest.mark.parametrize("one", EVERYTHING, ids=lambda one: f"{one.kind}")
@pytest.mark.parametrize("host", [HOST, Host(id="h", name="h")], ids=["full", "bare"])
def test_every_event_is_valid(one: Event, host: Host, validator: Validator) -> None:
    """The schema has nothing against any kind of event, in full and in its short forms."""
    told = json.loads(ocsf.line(one, host))
    assert validator.faults(told) == []
    for most in (ocsf.SHORTEST, 2000):
        assert validator.faults(json.loads(ocsf.short(one, host, most))) == []


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda told: told.pop("time"), "time: missing"),
        (lambda told: told["metadata"].pop("version"), "metadata.version: missing"),
        (lambda told: told.update(colour="red"), "colour: unknown"),
        (lambda told: told["device"].update(labels=["x"]), "device.labels: unknown"),
        (lambda told: told.update(severity_id=7), "severity_id: 7 is not one of its numbers"),
        (lambda told: told.update(time="now"), "time: not a timestamp_t"),
        (lambda told: told.update(status="Old"), "status_id: its name is New, not Old"),
        (lambda told: told.update(type_uid=200602), "type_uid: not of this class and activity"),
        (lambda told: told["finding_info"].update(types="x"), "finding_info.types: an array"),
        (lambda told: told["finding_info"].update(product_uid="x"), "product_uid: deprecated"),
        (lambda told: told["metadata"]["profiles"].clear(), "device: unknown"),
        (lambda told: told["metadata"]["profiles"].append("moon"), "metadata.profiles: moon"),
        (lambda told: told["metadata"]["product"].pop("name"), "at_least_one"),
    ],
)
def test_the_validator_refuses_what_is_wrong(
    spoil: Spoil, fault: str, validator: Validator
) -> None:
    """Each rule of the schema fires on an event that breaks it."""
    told = ocsf.event(FINDINGS[0], HOST)
    spoil(told)
    assert any(fault in one for one in validator.faults(told)), validator.faults(told)


def test_classes() -> None:
    """A readable value is a data security finding, other faults are compliance findings."""
    classes = [ocsf.event(one, HOST)["class_uid"] for one in EVERYTHING]
    assert classes == [2006] * 5 + [2003] * 10 + [2004] * 4 + [0] * 2


def test_how_findings_stand() -> None:
    """Create, update and close; new, in progress, suppressed and resolved, with the reason."""
    told = [ocsf.event(one, HOST) for one in FINDINGS[:5]]
    assert [one["activity_name"] for one in told] == [
        *("Create", "Update", "Update", "Close", "Update")
    ]
    assert [one["status"] for one in told] == [
        *("New", "New", "In Progress", "Resolved", "Suppressed")
    ]
    assert told[2]["status_detail"] == "removed but not rotated"
    assert told[3]["status_detail"] == "the value was changed"
    assert told[4]["status_detail"] == "waiver of ops@example.org until 2026-12-31"
    assert told[4]["comment"] == "known until the move"
    still = ocsf.event(about(Kind.CHANGED, finding(), suppression=WAIVER), HOST)
    assert still["status"] == "Suppressed"


def test_ids_and_times() -> None:
    """The event's id, the finding's identity, and times in milliseconds stand in their places."""
    told = ocsf.event(FINDINGS[0], HOST)
    assert told["metadata"]["uid"] == f"{STREAM}-17"
    assert told["metadata"]["sequence"] == 17
    assert told["finding_info"]["uid"] == "1d" * 32
    assert told["finding_info"]["first_seen_time"] == 1_770_000_000_500
    assert told["time"] == 1_780_000_000_123
    assert told["device"]["uid"] == "h-1"
    assert told["device"]["image"] == {
        "uid": "registry/web:7",
        "name": "registry/web",
        "labels": ["7"],
    }
    assert {"name": "team", "value": "shop"} in told["metadata"]["tags"]


def test_remedies() -> None:
    """The remedy stands where the class has a place for it, else in the description."""
    deviation = ocsf.event(FINDINGS[5], HOST)
    assert deviation["remediation"] == {
        "desc": "move it to Vault\nssl_protocols TLSv1.2 TLSv1.3;",
        "references": ["https://example.org/why"],
    }
    assert deviation["compliance"]["standards"] == ["CWE-798"]
    leak = ocsf.event(FINDINGS[0], HOST)
    assert "remediation" not in leak
    assert leak["finding_info"]["desc"].endswith("move it to Vault")


def test_a_gap_is_closed_under_the_same_id() -> None:
    """The event that closes a gap has the finding's id of the one that opened it; others do not."""
    opened, closed = (ocsf.event(one, HOST) for one in AGENT[:2])
    assert opened["finding_info"]["uid"] == closed["finding_info"]["uid"]
    assert (opened["status"], closed["status"]) == ("New", "Resolved")
    other = event(Kind.GAP, gap=Gap(subject="/opt", reason="queue overflow", started=1.0))
    assert ocsf.event(other, HOST)["finding_info"]["uid"] != opened["finding_info"]["uid"]


def test_lines_are_ascii_and_one() -> None:
    """Whatever a name holds, a report is one line of ASCII."""
    hostile = finding(location=Location("/srv/\udcff\n\u2028\x1b[2J\u202e.yml"))
    line = ocsf.line(about(Kind.OPENED, hostile), HOST)
    assert line.isascii()
    assert line.index(b"\n") == len(line) - 1
    assert json.loads(line)["file"]["path"].startswith("/srv/\\xff\n")


def test_short_forms() -> None:
    """What is too long loses `unmapped` first, then all but the ids; both forms say so."""
    one = about(Kind.OPENED, finding(message="\u4e2d" * 3000, fix="x" * 500))
    whole = ocsf.line(one, HOST)
    assert ocsf.short(one, HOST, len(whole) - 1) == whole[:-1]
    for most in (len(whole) - 2, ocsf.SHORTEST):
        short = ocsf.short(one, HOST, most)
        assert len(short) <= most
        told = json.loads(short)
        assert told["metadata"]["is_truncated"] is True
        assert told["metadata"]["untruncated_size"] == len(whole) - 1
        assert "unmapped" not in told
        assert told["metadata"]["uid"] == one.id
        assert told["finding_info"]["uid"] == finding().identity
        assert ("resources" in told) == (most != ocsf.SHORTEST)


# What our own receiver reads

TEXT = st.text(
    st.characters(exclude_categories=()) | st.sampled_from(["\udcff", "\udc80", "\ud800", "\n"]),
    max_size=12,
)
NUMBER = st.integers(0, 2**31)
TIME = st.floats(0, 4e9, allow_nan=False)
FINDING = st.builds(
    Finding,
    check=TEXT,
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    location=st.builds(Location, TEXT, NUMBER, NUMBER, key_path=TEXT, layer=TEXT, root=TEXT),
    message=TEXT,
    fix=TEXT,
    evidence=st.none()
    | st.builds(
        Evidence,
        TEXT,
        NUMBER,
        st.lists(st.builds(Fingerprint, TEXT, TEXT), max_size=2).map(tuple),
    ),
    access=st.none() | st.builds(Access, NUMBER, NUMBER, st.integers(0, 0o777), TEXT, TEXT),
    references=st.lists(TEXT, max_size=2).map(tuple),
    identity=TEXT,
    snippet=TEXT,
)
HOSTS = st.builds(
    Host,
    id=TEXT,
    name=TEXT,
    image=TEXT,
    labels=st.dictionaries(st.text("abc.-", max_size=4), TEXT, max_size=2),
    version=TEXT,
    policy=TEXT,
    cloned=st.booleans(),
)
OF_FINDINGS = st.builds(
    Event,
    id=st.integers(1, 2**62).map(lambda number: f"{STREAM}-{number}"),
    at=TIME,
    role=TEXT,
    kind=st.sampled_from([Kind.OPENED, Kind.CHANGED, Kind.REMOVED, Kind.RESOLVED, Kind.SUPPRESSED]),
    finding=FINDING,
    first_seen=TIME,
    last_seen=TIME,
    suppression=st.none() | st.builds(Suppression, TEXT, TEXT, TEXT, TEXT),
)
OF_THE_AGENT = st.builds(
    Event,
    id=TEXT,
    at=TIME,
    role=TEXT,
    kind=st.sampled_from(Kind),
    gap=st.none() | st.builds(Gap, subject=TEXT, reason=TEXT, started=TIME, closed_by=TEXT),
    digest=st.none() | st.builds(Digest, open=NUMBER, removed=NUMBER, sha256=TEXT),
    health=st.none() | st.builds(Health, component=TEXT, state=TEXT, detail=TEXT),
    dropped=st.none() | st.builds(Dropped, count=NUMBER, first=NUMBER, last=NUMBER, reason=TEXT),
)


@settings(max_examples=150, deadline=None)
@given(one=OF_FINDINGS | OF_THE_AGENT, host=HOSTS)
def test_any_event_is_valid_short_and_comes_back(one: Event, host: Host) -> None:
    """Whatever texts are in it: valid, one line of ASCII, short if asked, and the same again."""
    validator = Validator(json.loads(REDUCED.read_text()))
    line = ocsf.line(one, host)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert validator.faults(json.loads(line)) == []
    assert envelope.unwrap(line) == envelope.Received(one, host)
    short = ocsf.short(one, host, ocsf.SHORTEST)
    assert len(short) <= ocsf.SHORTEST
    assert validator.faults(json.loads(short)) == []


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=200) | TEXT.map(lambda text: text.encode("utf-8", "replace")))
def test_noise_is_refused(noise: bytes) -> None:
    """What is no report of ours is refused with one error that does not repeat it."""
    with pytest.raises(EnvelopeError, match=r"^report: holds no event of hygiene-agent$"):
        envelope.unwrap(noise)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda own: own.pop("host"),
        lambda own: own.update(kind="burnt"),
        lambda own: own.update(at="now"),
        lambda own: own.update(raw=[{"at": ["nowhere", "at", "all"], "bytes": "YQ=="}]),
        lambda own: own.update(raw=[{"at": [], "bytes": "YQ=="}]),
        lambda own: own.update(raw=[{"at": ["finding"] * 40, "bytes": "YQ=="}]),
        lambda own: own.update(raw=[{"at": ["id"], "bytes": "no base64!"}]),
        lambda own: own.update(raw=[{"at": ["finding", "references", "99"], "bytes": "YQ=="}]),
        lambda own: own.update(raw=[{"at": ["finding"], "bytes": "YQ=="}]),
        lambda own: own.update(raw=7),
    ],
)
def test_what_does_not_fit_is_refused(spoil: Spoil) -> None:
    """A report that is one of ours but for one thing is refused; untouched it is taken."""
    told = json.loads(ocsf.line(FINDINGS[0], HOST))
    assert envelope.unwrap(json.dumps(told).encode()).event == FINDINGS[0]
    spoil(told["unmapped"]["hygiene"])
    with pytest.raises(EnvelopeError):
        envelope.unwrap(json.dumps(told).encode())


def test_too_much_is_refused() -> None:
    """A report over the limit, or nested too deep, is refused; what is not known is passed over."""
    line = ocsf.line(FINDINGS[0], HOST)
    with pytest.raises(EnvelopeError, match="more than"):
        envelope.unwrap(line + b" " * envelope.LONGEST)
    told = json.loads(line)
    told["unmapped"]["hygiene"]["later"] = {"a": 1}
    assert envelope.unwrap(json.dumps(told).encode()).event == FINDINGS[0]
    deep = b'{"unmapped": {"hygiene": {"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}}"
    with pytest.raises(EnvelopeError):
        envelope.unwrap(deep)


if __name__ == "__main__":
    source = json.loads(Path(sys.argv[1]).read_text())
    REDUCED.write_text(written(reduced(source)))
