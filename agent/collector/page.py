"""Write what the receiver knows as one self-contained HTML page, which needs no script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collector import pageparts as parts
from agent.output.charts import escape
from agent.output.frame import Frame, asset
from agent.report import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.collector.shape import View


def render(view: View) -> Iterator[str]:
    """Give the page piece by piece."""
    verdict, frame = parts.verdict(view), _frame()
    yield frame.begin(verdict)
    yield f'<header><p class="brand">{TOOL} collect</p>\n<h1>{escape(verdict)}</h1>\n'
    yield f"<p>{escape(parts.extent(view))}</p></header>\n<main>\n"
    yield parts.tiles(view)
    yield parts.charts(view)
    yield from parts.troubled(view)
    yield from parts.images(view)
    yield from parts.checks(view)
    yield from parts.removed(view)
    yield from parts.health(view)
    yield from parts.gaps(view)
    yield from parts.audits(view)
    yield from parts.hosts(view)
    yield "</main>\n"
    yield frame.end()


def policy() -> str:
    """Give the page's Content-Security-Policy."""
    return _frame().policy()


def _frame() -> Frame:
    """Give the style sheet of every page, and what this one has besides."""
    return Frame(asset("agent.output", "report.css") + asset("agent.collector", "page.css"))
