"""Write what the benchmark of TLS measured as tables."""

from __future__ import annotations

import datetime
import os
import platform
from typing import TYPE_CHECKING, Final, NamedTuple

from hundred import AT_ONCE, SECONDS
from paired import Ran, table
from probes import COMMAND, FINGERPRINT, FULL, SSLYZE, STOCK, TESTSSL

if TYPE_CHECKING:
    from collections.abc import Callable

    from hundred import Many
    from servers import Logged

LIMITS: Final = {FULL: (0.35, 64), FINGERPRINT: (0.02, 3)}
"""Seconds and connections that a probe may take."""


_LOGS: Final = (
    "In parentheses: further lines that only the level `info` shows, which is not what the server"
    " logs where nothing else is set. Levels as the server names them."
)


class Measured(NamedTuple):
    """What one tool took for one server.

    ran: medians; memory: peak in MB; connections, at_once: counted by a relay; logged: what one
    look left in the server's error log.
    """

    ran: Ran
    memory: float
    connections: int
    at_once: int
    logged: Logged


Table = dict[str, dict[str, Measured]]
"""By server and tool."""


def circumstances(runs: int, slow_runs: int, peers: str, *, alone: bool) -> str:
    """Say what the figures hold for."""
    today = datetime.datetime.now(datetime.UTC).date()
    where = "loopback of a network namespace" if alone else "loopback"
    return (
        f"Servers as Debian ships them, each with one RSA certificate, on {where};"
        f" {os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} before),"
        f" Python {platform.python_version()}, {today};"
        f" {peers or 'no peers'}; medians of {runs} paired runs ({slow_runs} of testssl.sh)."
        " Connections are counted by a relay between probe and server."
    )


def whole(told: str, found: Table, many: Many) -> str:
    """Write everything."""
    lines = [told, "", *_reached(found, many)]
    for title, cell in _TABLES.items():
        lines += ["", f"## {title}", "", *_by_server(found, cell)]
    lines += ["", "## Lines in the servers' error logs after one look", "", _LOGS, ""]
    lines += _by_server(found, lambda one, _: _log(one.logged))
    return "\n".join([*lines, "", f"## {many.listeners} listeners", "", *_many(many)]) + "\n"


def short(told: str, found: Table, many: Many) -> str:
    """Write what the README shows."""
    rows = _by_server(found, lambda one, _: f"{_seconds(one.ran.seconds)} s, {one.connections}")
    return "\n".join([told, "", *rows, "", *_many(many)]) + "\n"


def _tools(found: Table) -> list[str]:
    first = next(iter(found.values()), {})
    return [name for name in (FULL, FINGERPRINT, COMMAND, SSLYZE, TESTSSL) if name in first]


def _by_server(found: Table, cell: Callable[[Measured, Measured], str]) -> list[str]:
    """Give a table of cells; each is told what our full probe took for the same server, too."""
    names = _tools(found)
    rows = [
        [server, *(cell(of[name], of[FULL]) if name in of else "" for name in names)]
        for server, of in found.items()
    ]
    return table(["server", *names], rows)


def _seconds(value: float) -> str:
    """Write seconds to three digits, as no run is more alike than that."""
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _times(value: float) -> str:
    return f"{value:.2g}" if value < 10 else f"{value:,.0f}"


_TABLES: Final[dict[str, Callable[[Measured, Measured], str]]] = {
    "Seconds": lambda one, _: _seconds(one.ran.seconds),
    "Times as long as our full probe": lambda one, full: _times(one.ran.seconds / full.ran.seconds),
    "Processor seconds of the tool and its children": lambda one, _: _seconds(one.ran.processor),
    "Memory: peak of all processes, MB": lambda one, _: f"{one.memory:.0f}",
    "Connections, most at one time": lambda one, _: f"{one.connections}, {one.at_once}",
}


def _log(logged: Logged) -> str:
    lines = ", ".join(f"{count} {level}" for level, count in sorted(logged.lines.items()))
    return (lines or "0") + (f" ({logged.quiet})" if logged.quiet else "")


def _reached(found: Table, many: Many) -> list[str]:
    """Say of each limit whether it was kept."""
    rows = []
    for server in STOCK:
        for tool, (seconds, connections) in LIMITS.items():
            if (one := found.get(server, {}).get(tool)) is None:
                continue
            kept = one.ran.seconds <= seconds and one.connections <= connections
            rows.append(
                [
                    f"{tool} of {server}",
                    f"{seconds} s, {connections} connections",
                    f"{_seconds(one.ran.seconds)} s, {one.connections}",
                    _yes(kept),
                ]
            )
    rows.append(
        [
            f"one listener with {many.names} names in its configuration",
            f"{AT_ONCE} connections at one time",
            f"{many.named.at_once}, {many.named.connections} in all",
            _yes(many.named.at_once <= AT_ONCE),
        ]
    )
    rows.append(
        [
            f"{many.listeners} listeners found and probed",
            f"{SECONDS:.0f} s, {AT_ONCE} at one listener at one time",
            f"{many.found} in {_seconds(many.ran.seconds)} s, {many.counted.at_once}",
            _yes(many.reached),
        ]
    )
    return table(["what", "limit", "measured", "reached"], rows)


def _yes(kept: bool) -> str:  # noqa: FBT001 - a cell
    return "yes" if kept else "no"


def _many(many: Many) -> list[str]:
    told = (
        f"{many.listeners} sites of nginx, each at a port of its own, `hygiene-agent tls` without"
        f" arguments: {many.found} found and probed in {_seconds(many.ran.seconds)} s,"
        f" {_seconds(many.ran.processor)} s of processor time ({_seconds(many.served)} s more in"
        f" nginx), {many.memory:.0f} MB, {many.counted.connections} connections,"
        f" at most {many.counted.at_once} at one listener at one time."
    )
    if many.peer is None:
        return [told]
    beside = (
        f" sslyze, given the {many.listeners} ports: {_seconds(many.peer.seconds)} s,"
        f" {_seconds(many.peer.processor)} s of processor time."
    )
    return [told + beside]
