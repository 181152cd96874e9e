"""Write what the receiver knows as one self-contained HTML page.

It loads nothing: its own policy (CSP) allows its one style sheet, by its hash, and nothing else,
so that a hostile name from a host could not act even if it were not escaped. It needs no script.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

from agent.collector import pageparts as parts
from agent.output.charts import escape
from agent.report import TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.collector.shape import View

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


def render(view: View) -> Iterator[str]:
    """Give the page piece by piece."""
    verdict = parts.verdict(view)
    yield _PAGE.format(policy=policy(), title=f"{TOOL}: {escape(verdict)}", style=_style())
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
    yield f"</main>\n<footer>{TOOL}. No value is repeated in this page.</footer>\n"
    yield "</body>\n</html>\n"


def policy() -> str:
    """Give the page's Content-Security-Policy."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _style() -> str:
    """Give the style sheet of every page, and what this one has besides."""
    shared = resources.files("agent.output").joinpath("report.css")
    own = resources.files("agent.collector").joinpath("page.css")
    return shared.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
