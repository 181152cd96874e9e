"""Draw counts as inline SVG: a ring for shares, rows of stacked bars for lists.

Colours come from the style sheet by class; labels are HTML beside the drawing, so that they wrap,
can be searched and are read aloud.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final, NamedTuple

from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHOWN: Final = 10
_WIDTH: Final = 1000


class Part(NamedTuple):
    """A share of a whole. name: says what it counts; style: a class of the style sheet."""

    name: str
    number: int
    style: str


class Row(NamedTuple):
    """A labelled bar of one or more parts."""

    label: str
    parts: tuple[Part, ...]

    @property
    def total(self) -> int:
        """The length of the bar."""
        return sum(part.number for part in self.parts)


def escape(text: str, *, longest: int = 4096) -> str:
    """Make a hostile text safe in an element and in a quoted attribute."""
    return html.escape(printable(text, longest=longest), quote=True)


def ring(title: str, parts: Sequence[Part]) -> str:
    """Draw shares as a ring with its legend; a part without count is in the legend only."""
    total = sum(part.number for part in parts)
    drawn, start = [], 0.0
    for part in parts:
        share = 100 * part.number / total if total else 0.0
        if share:
            drawn.append(_arc(part, start, share))
        start += share
    legend = "".join(_legend(part) for part in parts)
    return _card(
        title,
        f'<div class="ring"><svg viewBox="0 0 42 42" role="img" aria-label="{escape(title)}">'
        f'<circle class="track" cx="21" cy="21" r="16"/>{"".join(drawn)}'
        f'<text x="21" y="21">{total:,}</text></svg><ul class="legend">{legend}</ul></div>',
    )


def _arc(part: Part, start: float, share: float) -> str:
    return (
        f'<circle class="{part.style}" cx="21" cy="21" r="16" pathLength="100"'
        f' stroke-dasharray="{share:.3f} {100 - share:.3f}" stroke-dashoffset="{25 - start:.3f}">'
        f"<title>{escape(part.name)}: {part.number:,}</title></circle>"
    )


def _legend(part: Part) -> str:
    return (
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="{part.style}" width="10"'
        f' height="10" rx="2"/></svg>{escape(part.name)}<b>{part.number:,}</b></li>'
    )


def bars(title: str, rows: Sequence[Row]) -> str:
    """Draw the longest rows as bars on one scale, with the sum of the others below."""
    in_order = sorted(rows, key=lambda row: (-row.total, row.label))
    scale = max((row.total for row in in_order), default=1)
    items = "".join(_bar(row, scale) for row in in_order[:_SHOWN])
    rest = in_order[_SHOWN:]
    if rest:
        count = sum(row.total for row in rest)
        items += f'<li class="rest">and {len(rest):,} more with {count:,}</li>'
    return _card(title, f'<ol class="bars">{items}</ol>')


def _bar(row: Row, scale: int) -> str:
    rects, at = [], 0.0
    for part in row.parts:
        width = _WIDTH * part.number / scale
        rects.append(
            f'<rect class="{part.style}" x="{at:.1f}" width="{width:.1f}" height="10">'
            f"<title>{escape(part.name)}: {part.number:,}</title></rect>"
        )
        at += width
    label = escape(row.label, longest=200)
    return (
        f'<li><span class="label" title="{label}">{label}</span><b>{row.total:,}</b>'
        f'<svg viewBox="0 0 {_WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(rects)}</svg></li>"
    )


def _card(title: str, content: str) -> str:
    return f'<section class="card"><h3>{escape(title)}</h3>{content}</section>\n'
