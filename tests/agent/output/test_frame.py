"""A page's frame allows exactly what it brings, and a title is text."""

from __future__ import annotations

import base64
import hashlib
import re

from agent.output.frame import Frame, asset


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_page_allows_its_own_style_and_script_by_their_hashes() -> None:
    """The hashes of the policy are those of what stands between the page's own tags."""
    frame = Frame("p { color: red }", "let one = 1 < 2;")
    page = frame.begin("all is well") + frame.end("1.2")
    [style] = re.findall(r"<style>(.*?)</style>", page)
    [script] = re.findall(r"<script>(.*?)</script>", page)
    [policy] = re.findall(r'Policy" content="([^"]*)"', page)
    assert policy == frame.policy()
    assert policy.split("; ")[1:3] == [f"style-src {_hash(style)}", f"script-src {_hash(script)}"]
    assert _hash(style) not in Frame("p { color: blue }").policy()


def test_a_page_without_a_script_allows_none() -> None:
    """Neither the policy nor the page has a word of scripts, and all else is forbidden."""
    frame = Frame("p {}")
    assert "script" not in frame.begin("") + frame.end()
    assert frame.policy().startswith("default-src 'none'; style-src ")
    assert "No value is repeated" in frame.end()


def test_a_title_and_a_version_are_text() -> None:
    """Markup in them stands escaped."""
    frame = Frame("")
    page = frame.begin("</title><b>") + frame.end("<i>")
    assert "&lt;/title&gt;&lt;b&gt;" in page
    assert "&lt;i&gt;" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_installed_files_are_read() -> None:
    """The style sheet of every page is there."""
    assert "{" in asset("agent.output", "report.css")
