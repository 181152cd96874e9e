"""JSON outputs: every fact, parsable by any reader, safe on a terminal."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.output import jsonout

if TYPE_CHECKING:
    from agent.report import Report


def test_object_holds_everything(report: Report) -> None:
    """One object with schema, run, summary and the three lists."""
    got = json.loads("".join(jsonout.render_json(report, {})))
    assert got["schema"] == "hygiene-agent/scan/1"
    assert (got["tool"], got["version"], got["seconds"]) == ("hygiene-agent", "1.2.3", 3.214)
    assert got["summary"]["severities"] == dict.fromkeys(
        ["critical", "high", "medium", "low", "info"], 1
    )
    assert [len(got[key]) for key in ("findings", "suppressed", "inconclusive")] == [5, 3, 6]
    assert got["suppressed"][2]["suppression"] == {
        "kind": "waiver",
        "owner": "team-x",
        "reason": "moving",
        "until": "2027-01-31",
    }


def test_finding_has_words_and_every_key(report: Report) -> None:
    """Severities are words, modes octal, and what is unknown is there as null, 0 or ""."""
    first, *_, last = json.loads("".join(jsonout.render_json(report, {})))["findings"]
    assert (first["severity"], first["confidence"]) == ("low", "high")
    assert first["evidence"]["length"] == 14
    assert first["access"]["mode"] == "0644"
    assert first["access"]["readers"] == "everyone"
    assert first.keys() == last.keys()


def test_lines_are_events(report: Report) -> None:
    """One event a line, the summary last."""
    events = [json.loads(line) for line in "".join(jsonout.render_jsonl(report, {})).splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["finding"] * 5 + ["suppressed"] * 3 + ["inconclusive"] * 6 + ["summary"]
    assert events[-1]["files"] == 24_877
    assert events[-1]["findings"] == 5


def test_nothing_found_is_still_whole(clean: Report) -> None:
    """An empty report has empty lists and a summary."""
    got = json.loads("".join(jsonout.render_json(clean, {})))
    assert (got["findings"], got["suppressed"], got["inconclusive"]) == ([], [], [])
    assert len("".join(jsonout.render_jsonl(clean, {})).splitlines()) == 1


def test_odd_names_are_whole_in_base64(report: Report) -> None:
    """A name that is not UTF-8 stands readable and exact side by side; a usual one stands alone."""
    findings = json.loads("".join(jsonout.render_json(report, {})))["findings"]
    assert r"\xff" in findings[3]["path"]
    exact = base64.b64decode(findings[3]["path_base64"])
    assert exact.decode("utf-8", "surrogateescape") == report.findings[3].location.path
    assert "path_base64" not in findings[0]


@given(st.text(st.characters()))
def test_any_path_is_ascii_json_that_a_strict_reader_takes(path: str) -> None:
    """Whatever a path holds, the output is printable ASCII and decodes under strict rules."""
    fields = jsonout.path_fields(path)
    written = json.dumps(fields)
    assert written.isascii()
    assert written.isprintable()
    assert msgspec.json.decode(written) == fields
