"""Lines that mend a finding, as each output shows them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import msgspec
import pytest

from agent.output import html, jsonout, sarif, text

if TYPE_CHECKING:
    from agent.report import Report

LONG = "ssl_ciphers " + ":".join(["ECDHE-ECDSA-AES128-GCM-SHA256"] * 12) + ";"
SNIPPET = f'# needs "nginx" 1.19.4 or newer\n{LONG}'
HOSTILE = "</pre><script>alert(1)</script>\n```\x1b[2J](https://example.org)"
SCHEMA = Path(__file__).parent / "sarif-schema-2.1.0.json"


def told(report: Report, snippet: str) -> Report:
    """Give a report whose only finding is mended by these lines."""
    finding = msgspec.structs.replace(report.findings[0], snippet=snippet)
    return msgspec.structs.replace(report, findings=(finding,), suppressed=())


def test_the_terminal_never_breaks_a_line(report: Report) -> None:
    """The lines stand below the fix, whole however narrow it is; without any, nothing does."""
    lines = "".join(text.render(told(report, SNIPPET), {}, width=60)).splitlines()
    place = next(at for at, line in enumerate(lines) if "fix: Move it" in line)
    assert [line.strip() for line in lines[place + 1 : place + 3]] == SNIPPET.splitlines()
    assert "ssl_ciphers" not in "".join(text.render(told(report, ""), {}, width=60))


def test_the_terminal_says_the_same_lines_once(report: Report) -> None:
    """Findings that the same lines mend share them; the same fix with other lines is another."""
    first, second = (msgspec.structs.replace(one, snippet=SNIPPET) for one in report.findings[:2])
    both = msgspec.structs.replace(report, findings=(first, second), suppressed=())
    assert "".join(text.render(both, {})).count(LONG) == 1
    other = msgspec.structs.replace(second, snippet=f"{LONG}\n#")
    apart = msgspec.structs.replace(report, findings=(first, other), suppressed=())
    assert "".join(text.render(apart, {})).count(LONG) == 2


def test_json_has_them_as_they_are(report: Report) -> None:
    """The key is always there."""
    for snippet in (SNIPPET, ""):
        whole = json.loads("".join(jsonout.render_json(told(report, snippet), {})))
        assert whole["findings"][0]["snippet"] == snippet


class _Pre(HTMLParser):
    """Collects the text of <pre>."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "pre" or self.inside

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found.append(data)


def test_the_page_has_them_as_they_are(report: Report) -> None:
    """What is copied out of the page is what has to be pasted."""
    page = _Pre()
    page.feed("".join(html.render(told(report, SNIPPET), {})))
    assert "".join(page.found) == SNIPPET
    assert "<pre>" not in "".join(html.render(told(report, ""), {}))


@pytest.mark.parametrize("snippet", [SNIPPET, HOSTILE, ""])
def test_sarif_stays_valid(report: Report, snippet: str) -> None:
    """A result has them as a property and as code in its message, by the standard's schema."""
    log = json.loads("".join(sarif.render(told(report, snippet), {})))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_bytes())).validate(log)
    result = log["runs"][0]["results"][0]
    assert result["properties"]["snippet"] == snippet
    marked = result["message"].get("markdown", "")
    assert ("    " + LONG in marked) == (snippet == SNIPPET)
    assert bool(marked) == bool(snippet)


def test_hostile_lines_do_nothing(report: Report) -> None:
    """No escape sequence, no element and no link comes of a snippet."""
    one = told(report, HOSTILE)
    assert "\x1b" not in "".join(text.render(one, {}))
    assert "<script>alert" not in "".join(html.render(one, {}))
    marked = json.loads("".join(sarif.render(one, {})))["runs"][0]["results"][0]["message"]
    block = marked["markdown"].split("\n\n", 1)[1]
    assert all(re.match(" {4}", line) for line in block.splitlines())
