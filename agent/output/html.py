"""Write a report as one self-contained HTML page.

Without JavaScript everything is there but filtering and sorting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.output import endpointcards, htmlparts, words
from agent.output.charts import escape
from agent.output.frame import Frame, asset
from agent.report import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.report import CheckInfo, Report


def render(report: Report, infos: Mapping[str, CheckInfo]) -> Iterator[str]:
    """Give the page piece by piece, the findings a row each."""
    frame = Frame(asset("agent.output", "report.css"), asset("agent.output", "report.js"))
    yield frame.begin(words.verdict(report))
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
    yield frame.end(report.version)


def _header(report: Report) -> str:
    roots = ", ".join(f"<code>{escape(root)}</code>" for root in report.roots)
    told = [words.extent(report), words.suppressed_by_kind(report), words.not_applicable(report)]
    told.append(words.degraded(report))
    lines = "".join(f'<p class="soft">{escape(line)}</p>\n' for line in told if line)
    return (
        f'<header><p class="brand">{TOOL}</p>\n<h1>{escape(words.verdict(report))}</h1>\n'
        f"<p>Scan of {roots or 'nothing'}, started {escape(report.started)}</p>\n{lines}</header>\n"
    )
