"""Write a host's status for a person at a terminal: first whether all is well, then why not.

No character of what was published reaches the terminal unescaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.output import text, words
from agent.output.statusjson import moment
from agent.output.text import BOLD, DIM, GOOD, WARNING, Paint
from agent.statuspage import State
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.findings import Tracked
    from agent.policy import activating
    from agent.statuspage import Coverage, Page, RoleLine, SinkLine, Standing

_SHOWN: Final = 5
_LONGEST: Final = 300
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"))
_BAD: Final = "1;31"
_MIB: Final = 1024 * 1024
_TIGHT: Final = 0.9
"""The share of a limit from which on what is used is shown as near to it."""


def render(
    page: Page, *, every: bool = False, colour: bool = False, width: int = 100
) -> Iterator[str]:
    """Give the status piece by piece; every: list all findings that were published."""
    paint = Paint(width, colour=colour)
    yield from _head(page, paint)
    yield from _roles(page, paint)
    yield from _coverage(page.coverage, page.at, paint)
    yield from _findings(page.findings, page.at, paint, every=every)
    yield from _sinks(page, paint)
    yield from _policies(page, paint)
    if page.store is not None:
        yield from _store(page.store, page.at, paint)


def age(seconds: float) -> str:
    """Give how long something lasts by its two largest units: "3 d 2 h", "12 s"."""
    left, parts = int(max(seconds, 0)), []
    for size, name in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,} {name}")
    if len(parts) < 2 and left:
        parts.append(f"{left} s")
    return " ".join(parts[:2]) or "0 s"


def _head(page: Page, paint: Paint) -> Iterator[str]:
    host = printable(page.host.name or page.host.id, longest=_LONGEST)
    if page.problems:
        what = f"needs a look: {printable('; '.join(page.problems))}"
        yield from (paint(_BAD, line) + "\n" for line in paint.wrap(f"{host} {what}", "", "  "))
    elif page.is_unreadable:
        yield paint(WARNING, f"{host}: no trouble is known, and not everything can be read") + "\n"
    else:
        yield paint(GOOD, f"{host}: all is well") + "\n"
    yield "\n"


def _heading(title: str, paint: Paint) -> str:
    return paint(BOLD, title) + "\n"


def _since(at: float, now: float) -> str:
    """Give "since 2026-03-01 02:10:00Z (3 h 5 min)", "" for never."""
    told = (moment(at) or "").removesuffix("+00:00").replace("T", " ")
    return f"since {told}Z ({age(now - at)})" if told else ""


def _roles(page: Page, paint: Paint) -> Iterator[str]:
    yield _heading("Roles", paint)
    widest = max((len(printable(one.role)) for one in page.roles), default=0)
    for one in page.roles:
        good = one.state is State.RUNNING and not one.faults
        word = paint(GOOD if good else _BAD, f"{one.state.value:<10}")
        rest = "  ".join(filter(None, (_since(one.since, page.at), *_used(one))))
        yield f"  {printable(one.role):<{widest}}  {word}  {rest}".rstrip() + "\n"
        told = (one.detail, *(f"fault: {fault}" for fault in one.faults[:_SHOWN]))
        yield from (
            f"    {paint(_BAD, printable(line, longest=_LONGEST))}\n" for line in told if line
        )
    yield "\n"


def _used(one: RoleLine) -> Iterator[str]:
    """Say what a role uses of its budgets, but for its outbox."""
    if one.state is not State.RUNNING:
        return
    yield f"CPU {one.cpu:.1f} % of {one.cpu_budget:.0f} %"
    yield f"memory {one.memory / _MIB:.0f} of {one.memory_budget / _MIB:.0f} MiB"


def _coverage(one: Coverage, now: float, paint: Paint) -> Iterator[str]:
    yield _heading("Coverage", paint)
    parts = [
        f"{words.plural(one.files, 'file')} in {words.plural(one.folders, 'folder')}",
        words.plural(one.endpoints, "TLS endpoint"),
    ]
    yield f"  {', '.join(parts)}\n"
    if one.watches_limit:
        used = f"{one.watches:,} of {one.watches_limit:,} watches (fs.inotify.max_user_watches)"
        tight = one.watches > _TIGHT * one.watches_limit
        rest = f", {one.instances_limit:,} instances allowed"
        yield "  " + (paint(WARNING, used) if tight else used) + rest + "\n"
    if one.unwatched:
        line = f"{words.plural(one.unwatched, 'folder')} without a watch: only the sweep sees them"
        yield f"  {paint(WARNING, line)}\n"
    yield from _gaps(one, now, paint)
    yield "\n"


def _gaps(one: Coverage, now: float, paint: Paint) -> Iterator[str]:
    count = len(one.gaps) + one.more_gaps
    if not count:
        yield "  no gap is open\n"
        return
    line = f"{words.plural(count, 'gap')} open; what is there may hold anything"
    yield f"  {paint(_BAD, line)}\n"
    for gap in one.gaps:
        subject = printable(gap.subject, longest=_LONGEST)
        why = printable(gap.reason, longest=_LONGEST)
        yield f"    {subject}  {why}  {_since(gap.since, now)}".rstrip() + "\n"
    if one.more_gaps:
        yield paint(DIM, f"    and {one.more_gaps:,} more") + "\n"


def _findings(one: Standing, now: float, paint: Paint, *, every: bool) -> Iterator[str]:
    yield _heading("Findings", paint)
    kinds = [f"{count:,} {name}" for name, count in one.severities.items() if count]
    counts = f": {', '.join(kinds)}" if kinds else ""
    yield f"  {one.open:,} open{counts}; {one.suppressed:,} suppressed\n"
    yield from _listed(one.worst, one.open, now, paint, every=every)
    if one.removed:
        line = f"{one.removed:,} removed, and not known to be changed at their services"
        yield f"  {paint(WARNING, line)}\n"
        yield from _listed(one.gone, one.removed, now, paint, every=every)
        if every:
            yield "    once changed, tell it: hygiene-agent rotated IDENTITY\n"
    yield "\n"


def _listed(
    known: Sequence[Tracked], count: int, now: float, paint: Paint, *, every: bool
) -> Iterator[str]:
    shown = known if every else known[:_SHOWN]
    for one in shown:
        finding = one.finding
        severity = paint(text.STYLES[finding.severity], f"{finding.severity.label:<8}")
        place = words.place(finding)
        path = printable(finding.location.path) + (f":{place}" if place else "")
        yield f"    {severity}  {printable(finding.check)}  {path}\n"
        if every:
            told = " ".join(filter(None, (printable(finding.message), words.evidence(finding))))
            yield f"              {told}\n"
            seen = f"{printable(one.identity, longest=64)}  {_since(one.first_seen, now)}"
            yield paint(DIM, f"              {seen}".rstrip()) + "\n"
    if count > len(shown):
        hint = "" if every else ": hygiene-agent status --findings"
        yield paint(DIM, f"    and {count - len(shown):,} more{hint}") + "\n"


def _sinks(page: Page, paint: Paint) -> Iterator[str]:
    yield _heading("Reports", paint)
    widest = max((len(printable(one.name)) for one in page.sinks), default=0)
    for one in page.sinks:
        word = paint(_BAD if one.failing else GOOD, "away    " if one.failing else "delivers")
        told = "  ".join(_carried(one, page.at))
        yield f"  {printable(one.name):<{widest}}  {word}  {told}\n"
        if one.failing:
            yield f"    {paint(_BAD, printable(one.failing, longest=_LONGEST))}\n"
    yield from _outboxes(page, paint)
    yield "\n"


def _outboxes(page: Page, paint: Paint) -> Iterator[str]:
    """Say how much each role keeps until every sink has it."""
    kept = [one for one in page.roles if one.outbox_budget]
    parts = [f"{printable(one.role)} {words.size(one.outbox)}" for one in kept]
    if parts:
        most = f"of {kept[0].outbox_budget / _MIB:,.0f} MiB each"
        yield from (
            f"{line}\n" for line in paint.wrap(f"kept: {', '.join(parts)}, {most}", "  ", "    ")
        )
    waiting = sum(one.waiting for one in kept)
    if waiting:
        yield f"  {words.plural(waiting, 'event')} not written yet\n"


def _carried(one: SinkLine, now: float) -> Iterator[str]:
    if one.failing:
        yield _since(one.since, now)
    last = f"{age(now - one.succeeded)} ago" if one.succeeded else "never"
    yield f"last success {last}"
    yield f"{words.plural(one.delivered, 'event')} since its start"
    if one.refused:
        yield f"{one.refused:,} refused"
    if one.damaged:
        yield f"{words.plural(one.damaged, 'place')} in journals cannot be read"


def _policies(page: Page, paint: Paint) -> Iterator[str]:
    if not page.policies:
        return
    yield _heading("Policy", paint)
    for one in page.policies:
        active = one.policy
        name = printable(active.name, longest=_LONGEST)
        waivers = words.plural(active.waivers, "waiver")
        digest = printable(active.sha256, longest=12)
        since = _since(active.since, page.at)
        yield (
            f"  {printable(one.role)}  {name}  {waivers}  sha256 {digest}  {since}".rstrip() + "\n"
        )


def _store(store: activating.Standing, now: float, paint: Paint) -> Iterator[str]:
    """Say what came from the store, and whether it is believed."""
    word = paint(GOOD if store.state == "applied" else _BAD, store.state)
    editions = ", ".join(f"{layer} {number}" for layer, number in store.editions.items())
    told = printable(editions or "nothing of it holds", longest=_LONGEST)
    yield f"  store  {word}  {told}  {_since(store.since, now)}".rstrip() + "\n"
    last = f"{age(now - store.believed)} ago" if store.believed else "never"
    where = printable(store.url, longest=_LONGEST)
    yield from (f"{line}\n" for line in paint.wrap(f"{where}, believed {last}", "    ", "    "))
    for why in (store.why, f"{store.refused}: {store.detail}" if store.refused else ""):
        if why:
            yield f"    {paint(_BAD, printable(why, longest=_LONGEST))}\n"
