"""The parts of the receiver's page: at a glance, charts, and one table for each question."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from agent.collector.columns import Column, columns
from agent.output import charts as draw
from agent.output.charts import Part, Row, escape
from agent.output.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.collector.shape import CheckRow, DayRow, HostRow, View

_AGES: Final = (
    *(("over 30 days", "older", "critical"), ("over 7 days", "month", "high")),
    *(("over 1 day", "week", "medium"), ("today", "day", "low")),
)
_TROUBLED: Final = 50
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def verdict(view: View) -> str:
    """Say how it stands; what is not known is never called clean."""
    counts = view.counts
    if not counts.hosts:
        return "No host has reported yet."
    found = f"{plural(counts.open, 'open deviation')} on {plural(counts.hosts, 'host')}"
    if counts.removed:
        found += f", {plural(counts.removed, 'leak')} removed but not rotated"
    blind = [f"{counts.silent:,} silent"] if counts.silent else []
    blind += [f"{counts.out_of_step:,} out of step"] if counts.out_of_step else []
    blind += [f"{counts.cloned:,} cloned"] if counts.cloned else []
    return f"{found}; {' and '.join(blind)}." if blind else f"{found}."


def extent(view: View) -> str:
    """Say of when this is, and what silent means."""
    retired = f" {plural(view.counts.retired, 'host')} retired." if view.counts.retired else ""
    silence = f"A host is silent after {ago(view.silent_after)}"
    return f"As of {moment(view.at)}. {silence} without a word.{retired}"


def moment(seconds: float) -> str:
    """Give a time as "2026-01-31 12:00 UTC", "never" for 0."""
    if not seconds:
        return "never"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(min(max(seconds, 0), 1e11)))


def ago(seconds: float) -> str:
    """Give an age as "5 min", "3 h" or "12 days"."""
    if seconds < _HOUR:
        return f"{max(int(seconds // _MINUTE), 0)} min"
    if seconds < 2 * _DAY:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY):,} days"


def tiles(view: View) -> str:
    """Give the counts at a glance."""
    counts = view.counts
    items = [_tile(name, number, name) for name, number in counts.severities.items()]
    items.append(_tile("removed, not rotated", counts.removed, "high"))
    items.append(_tile("hosts", counts.hosts, ""))
    items.append(_tile("silent", counts.silent, "warn"))
    items.append(_tile("out of step", counts.out_of_step, "warn"))
    items.append(_tile("cloned", counts.cloned, "warn"))
    return f'<ul class="tiles">\n{"".join(items)}</ul>\n'


def _tile(name: str, count: int, style: str) -> str:
    classes = f"{style} zero" if not count else style
    return f'<li class="{classes.strip()}"><b>{count:,}</b><span>{escape(name)}</span></li>\n'


def charts(view: View) -> str:
    """Draw what is open by severity and by age, and the last 30 days."""
    severities = [Part(name, count, name) for name, count in view.counts.severities.items()]
    cards = draw.ring("Open by severity", severities)
    cards += draw.bars(
        "Open by check; red: over 30 days, orange: over 7", [_by_age(row) for row in view.checks]
    )
    opened = [_column(day) for day in view.trend]
    ended = [Column(day.day, _events(day)) for day in view.trend]
    return (
        f'<div class="charts">\n{cards}</div>\n'
        f"{columns('Open in the last 30 days, by severity', opened)}"
        f"{columns('Opened and ended in the last 30 days', ended)}"
    )


def _by_age(row: CheckRow) -> Row:
    found = ((name, getattr(row, field), style) for name, field, style in _AGES)
    return Row(row.check, tuple(Part(*one) for one in found if one[1]))


def _column(day: DayRow) -> Column:
    parts = tuple(Part(name, count, name) for name, count in reversed(day.open.items()) if count)
    return Column(day.day, parts if day.counted else None)


def _events(day: DayRow) -> tuple[Part, ...]:
    return (Part("ended", day.ended, "good"), Part("opened", day.opened, "high"))


def troubled(view: View) -> Iterator[str]:
    """List the hosts of which it is not known how they are."""
    found = [host for host in view.hosts if host.silent or host.out_of_step or host.cloned]
    rows = (_trouble(host, view.at) for host in found[:_TROUBLED])
    heads = ("Host", "What", "Since", "Last heard")
    more = max(len(found) - _TROUBLED, 0)
    yield from _table("Hosts that are silent, out of step or cloned", heads, rows, more)


def _trouble(host: HostRow, now: float) -> tuple[str, ...]:
    what = [f"out of step: {host.why}"] if host.out_of_step else []
    what += ["silent"] if host.silent else []
    what += [host.fault] if host.fault else []
    since = host.out_of_step or host.last_heard
    missing = f", {plural(host.missing, 'event')} missing" if host.missing else ""
    told = f'<span class="warn-text">{escape(", ".join(what))}</span>{missing}'
    return (_host(host), told, _when(since, now), _when(host.last_heard, now))


def images(view: View) -> Iterator[str]:
    """List each fault of an image once, on however many hosts it is."""
    rows = (
        (
            _badge(row.severity),
            escape(row.image or "(no image told)"),
            f'<span class="path">{escape(row.place)}</span>{_key(row.key_path)}',
            f"{escape(row.message)}{_key(row.check)}",
            f"{row.hosts:,}",
            _when(row.oldest, view.at),
        )
        for row in view.images
    )
    heads = ("Severity", "Image", "Where", "What", "Hosts", "Open since")
    yield from _table("Open deviations, by image", heads, rows, view.left_out.get("images", 0))


def checks(view: View) -> Iterator[str]:
    """List open deviations by check and age."""
    rows = (
        (_badge(row.severity), escape(row.check), *(f"{one:,}" for one in _counts(row)))
        for row in view.checks
    )
    heads = ("Severity", "Check", "Today", "Over 1 day", "Over 7 days", "Over 30 days", "Hosts")
    yield from _table("Open deviations, by check and age", heads, rows)


def _counts(row: CheckRow) -> tuple[int, ...]:
    return (row.day, row.week, row.month, row.older, row.hosts)


def removed(view: View) -> Iterator[str]:
    """List values that are gone from their places and may still open doors."""
    rows = (
        (
            _badge(row.severity),
            escape(row.host),
            f'<span class="path">{escape(row.place)}</span>{_key(row.key_path)}',
            f'<span class="mask">{escape(row.preview)}</span>{_key(row.check)}',
            _when(row.removed, view.at),
        )
        for row in view.removed
    )
    heads = ("Severity", "Host", "Where it was", "Value", "Removed")
    title = "Leaks removed but not rotated"
    yield from _table(title, heads, rows, view.left_out.get("removed", 0))


def health(view: View) -> Iterator[str]:
    """List the last word of each part of each agent."""
    rows = (
        (
            escape(row.host),
            escape(row.component),
            f"{escape(row.state)}{_key(row.detail)}",
            _when(row.at, view.at),
        )
        for row in view.health
    )
    heads = ("Host", "Part", "State", "Told")
    yield from _table("Agents' own health", heads, rows, view.left_out.get("health", 0))


def gaps(view: View) -> Iterator[str]:
    """List what hosts could not see."""
    rows = (
        (
            escape(row.host),
            f'<span class="path">{escape(row.subject)}</span>',
            f"{escape(row.reason)}{_key(row.role)}",
            _when(row.started, view.at),
            _when(row.ended, view.at) if row.ended else '<span class="warn-text">lasts</span>',
        )
        for row in view.gaps
    )
    heads = ("Host", "What", "Why", "Began", "Ended")
    yield from _table("Coverage gaps", heads, rows, view.left_out.get("gaps", 0))


def audits(view: View) -> Iterator[str]:
    """List audit logs that were rewritten, then what was done on hosts last."""
    faults = (
        (
            escape(row.host),
            escape(row.chain),
            f'<span class="warn-text">{escape(row.fault)}</span>',
            _when(row.heard, view.at),
        )
        for row in view.audits
        if row.fault
    )
    heads = ("Host", "Log", "What", "Told")
    yield from _table("Audit logs that were changed", heads, faults)
    acts = (
        (
            escape(row.host),
            f"{escape(row.act)}{_key(row.subject)}",
            f"{escape(row.result)}{_key(row.actor)}",
            _when(row.at, view.at),
        )
        for row in view.acts
    )
    heads = ("Host", "Act", "Result, and by whom", "When")
    yield from _table("What was done", heads, acts, view.left_out.get("acts", 0))


def hosts(view: View) -> Iterator[str]:
    """List the hosts."""
    rows = (
        (
            _host(host),
            escape(host.image),
            "".join(_key(f"{name}={value}") for name, value in host.labels.items()),
            f"{_badge(host.worst) if host.worst else ''} {host.open:,}",
            f"{host.removed:,}",
            f"{escape(host.version)}{_key(host.policy[:12])}",
            _when(host.last_heard, view.at),
        )
        for host in view.hosts
    )
    heads = ("Host", "Image", "Labels", "Open", "Removed", "Agent", "Last heard")
    yield from _table("Hosts", heads, rows, view.left_out.get("hosts", 0))


def _table(
    title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], left_out: int = 0
) -> Iterator[str]:
    """Give a table of cells that are HTML already; nothing where there is no row."""
    body = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows]
    if not body:
        return
    yield f"<h2>{escape(title)} ({len(body) + left_out:,})</h2>\n"
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    yield f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n'
    yield from body
    yield "</tbody></table></div>\n"
    if left_out:
        more = f"and {left_out:,} more: hygiene-agent collect show"
        yield f'<p class="left-out">{escape(more)}</p>\n'


def _host(host: HostRow) -> str:
    cloned = '<span class="warn-text"> cloned</span>' if host.cloned else ""
    return f"{escape(host.name or host.id)}{cloned}{_key(host.id if host.name else '')}"


def _badge(severity: str) -> str:
    return f'<span class="badge {escape(severity)}">{escape(severity)}</span>'


def _key(text: str) -> str:
    return f'<span class="key">{escape(text, longest=500)}</span>' if text else ""


def _when(seconds: float, now: float) -> str:
    return (
        f'<span title="{moment(seconds)}">{ago(now - seconds)} ago</span>' if seconds else "never"
    )
