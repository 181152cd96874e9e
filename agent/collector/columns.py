"""Draw days side by side as stacked columns, inline SVG; labels are HTML beside it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agent.output.charts import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.output.charts import Part

_HEIGHT: Final = 100
_STEP: Final = 20
_WIDTH: Final = 16


class Column(NamedTuple):
    """One day, the lowest part first; parts: None where nothing is known of it."""

    label: str
    parts: tuple[Part, ...] | None


def columns(title: str, days: Sequence[Column]) -> str:
    """Draw columns on one scale that begins with 0."""
    most = max((sum(part.number for part in day.parts or ()) for day in days), default=0)
    drawn = "".join(_column(day, place * _STEP, max(most, 1)) for place, day in enumerate(days))
    first, last = (escape(days[at].label) if days else "" for at in (0, -1))
    return (
        f'<section class="card wide"><h3>{escape(title)}</h3>'
        f'<svg class="columns" viewBox="0 0 {len(days) * _STEP} {_HEIGHT}" role="img"'
        f' preserveAspectRatio="none" aria-label="{escape(title)}">{drawn}</svg>'
        f'<p class="span"><span>{first}</span><span>at most {most:,}</span>'
        f"<span>{last}</span></p></section>\n"
    )


def _column(day: Column, left: int, most: int) -> str:
    label = escape(day.label)
    if day.parts is None:
        return (
            f'<rect class="unknown" x="{left}" y="{_HEIGHT - 2}" width="{_WIDTH}" height="2">'
            f"<title>{label}: not known</title></rect>"
        )
    drawn, top = [], float(_HEIGHT)
    for part in day.parts:
        height = _HEIGHT * part.number / most
        top -= height
        drawn.append(
            f'<rect class="{part.style}" x="{left}" y="{top:.2f}" width="{_WIDTH}"'
            f' height="{height:.2f}"><title>{label}: {part.number:,} {escape(part.name)}</title>'
            "</rect>"
        )
    return "".join(drawn)
