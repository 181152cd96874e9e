"""List hosts for a terminal, a line each. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.collector.pageparts import ago
from agent.output.words import plural
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.collector.shape import HostRow


def lines(rows: Sequence[HostRow], now: float) -> Iterator[str]:
    """Give a head and a line for each host, then how many there are."""
    yield f"{'HOST':36} {'OPEN':>6} {'REMOVED':>7} {'HEARD':>9}  STATE"
    for row in rows:
        name = printable(row.id, longest=36)
        heard = ago(now - row.last_heard)
        yield f"{name:36} {row.open:6,} {row.removed:7,} {heard:>9}  {_state(row)}".rstrip()
    yield plural(len(rows), "host")


def _state(row: HostRow) -> str:
    told = ["retired"] if row.retired else []
    told += ["silent"] if row.silent and not row.retired else []
    told += [f"out of step: {row.why}"] if row.out_of_step else []
    told += [f"cloned: {row.fault}" if row.fault else "cloned"] if row.cloned else []
    told += [f"{row.left_out:,} findings left out"] if row.left_out else []
    return ", ".join(told)
