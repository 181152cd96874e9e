"""Write a report as one self-contained HTML page.

It loads nothing: the page's own policy (CSP) allows its one style sheet and its one script, each
by its hash, and nothing else, so that a hostile file name could not act even if it were not
escaped. Without JavaScript everything is there but filtering and sorting.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

from agent.output import endpointcards, htmlparts, words
from agent.output.charts import escape
from agent.report import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.report import CheckInfo, Report

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def render(report: Report, infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give the page piece by piece, the findings a row each."""
    style, script = _asset("report.css"), _asset("report.js")
    yield _PAGE.format(
        policy=_policy(style, script), title=f"{TOOL}: {escape(words.verdict(report))}", style=style
    )
    yield _header(report)
    yield "<main>\n"
    yield htmlparts.tiles(report)
    yield from endpointcards.cards(report)
    if report.findings:
        yield htmlparts.charts(report, infos)
        yield from htmlparts.findings(report, infos)
    yield from htmlparts.inconclusive(report)
    yield from htmlparts.notes(report)
    yield from htmlparts.suppressed(report)
    yield "</main>\n"
    yield f"<footer>{TOOL} {escape(report.version)}. No value is repeated in this page.</footer>\n"
    yield f"<script>{script}</script>\n</body>\n</html>\n"


def _header(report: Report) -> str:
    roots = ", ".join(f"<code>{escape(root)}</code>" for root in report.roots)
    told = [words.extent(report), words.suppressed_by_kind(report), words.not_applicable(report)]
    told.append(words.degraded(report))
    lines = "".join(f'<p class="soft">{escape(line)}</p>\n' for line in told if line)
    return (
        f'<header><p class="brand">{TOOL}</p>\n<h1>{escape(words.verdict(report))}</h1>\n'
        f"<p>Scan of {roots or 'nothing'}, started {escape(report.started)}</p>\n{lines}</header>\n"
    )


def _asset(name: str) -> str:
    return resources.files("agent.output").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
