"""SARIF: valid by the standard's own schema, stable, and true to the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import msgspec

from agent.output import sarif

if TYPE_CHECKING:
    from agent.report import CheckInfo, Report

SCHEMA = Path(__file__).parent / "sarif-schema-2.1.0.json"
"""By OASIS, as published with errata 01."""


def run_of(report: Report, infos: dict[str, CheckInfo]) -> dict[str, Any]:
    """Give the one run of the log."""
    log = json.loads("".join(sarif.render(report, infos)))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    return dict(run)


def test_valid_by_the_schema(report: Report, clean: Report, infos: dict[str, CheckInfo]) -> None:
    """The official schema accepts a full report and an empty one, and refuses a spoiled one."""
    validator = jsonschema.Draft4Validator(
        json.loads(SCHEMA.read_bytes()), format_checker=jsonschema.FormatChecker()
    )
    for one in (report, clean):
        log = json.loads("".join(sarif.render(one, infos)))
        assert [error.message for error in validator.iter_errors(log)] == []
        del log["runs"][0]["tool"]
        assert list(validator.iter_errors(log))


def test_levels_and_severities(report: Report, infos: dict[str, CheckInfo]) -> None:
    """Critical and high are errors, medium a warning, low and info notes."""
    results = run_of(report, infos)["results"][:5]
    assert [result["level"] for result in results] == ["note", "error", "warning", "error", "note"]
    scores = [float(result["properties"]["security-severity"]) for result in results]
    assert scores == [3.0, 9.5, 5.5, 8.0, 0.0]


def test_rules_are_described(report: Report, infos: dict[str, CheckInfo]) -> None:
    """Each check is a rule with title, help and level; an unknown one borrows from its finding."""
    run = run_of(report, infos)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["clear-text-password", "private-key-readable"]
    assert rules[0]["shortDescription"]["text"] == "Password in clear text"
    assert "Move it to Vault" in rules[0]["help"]["markdown"]
    assert rules[0]["defaultConfiguration"]["level"] == "error"
    assert rules[1]["properties"]["security-severity"] == "5.5"
    assert rules[1]["helpUri"] == "https://example.org/why"
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_places_are_relative_and_have_a_line(report: Report, infos: dict[str, CheckInfo]) -> None:
    """Artifacts are relative to the scan root, percent-encoded; an unknown line is line 1."""
    run = run_of(report, infos)
    assert run["originalUriBaseIds"] == {"SCANROOT": {"uri": "file:///"}}
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[0] == {
        "artifactLocation": {"uri": "srv/app/a.yml", "uriBaseId": "SCANROOT"},
        "region": {"startLine": 12, "startColumn": 3},
    }
    assert places[2]["region"] == {"startLine": 1}
    assert places[3]["artifactLocation"]["uri"].endswith("%FF%E2%80%AE.env")
    assert places[4]["artifactLocation"]["uri"] == "var/b%20100%25.zip!/etc/c%3Ad.env"


def test_identity_is_the_fingerprint(report: Report, infos: dict[str, CheckInfo]) -> None:
    """A result carries the finding's identity, so that a moved line is the same result."""
    result = run_of(report, infos)["results"][0]
    assert result["partialFingerprints"] == {"hygieneAgent/v1": "identity-12"}


def test_suppressions_are_told_apart(report: Report, infos: dict[str, CheckInfo]) -> None:
    """A mark is in the source, a baseline and a waiver are not; an open finding has none."""
    results = run_of(report, infos)["results"]
    assert all(result["suppressions"] == [] for result in results[:5])
    told = [result["suppressions"][0] for result in results[5:]]
    assert [one["kind"] for one in told] == ["external", "inSource", "external"]
    assert told[2]["justification"] == "waiver by team-x, until 2027-01-31: moving"


def test_what_was_not_looked_at_is_notified(report: Report, infos: dict[str, CheckInfo]) -> None:
    """Each blind spot is a notification with its place."""
    [invocation] = run_of(report, infos)["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["startTimeUtc"] == "2026-11-22T01:15:00Z"
    notes = invocation["toolExecutionNotifications"]
    assert len(notes) == 6
    assert notes[0]["message"]["text"] == "not looked at: /srv/p0: permission denied"


def test_a_time_in_another_zone_is_left_out(clean: Report) -> None:
    """SARIF wants UTC: any other time is not given as if it were."""
    assert "startTimeUtc" not in run_of(clean, {})["invocations"][0]


def test_a_name_is_no_link(report: Report, infos: dict[str, CheckInfo]) -> None:
    """A file name written like SARIF's embedded link does not become one."""
    told = msgspec.structs.replace(report.findings[0], message="see [me](https://example.org)")
    run = run_of(msgspec.structs.replace(report, findings=(told,)), infos)
    assert run["results"][0]["message"]["text"].startswith("see [me] (https://example.org)")
