"""Measure `hygiene-agent tls` beside its peers on real servers, and write the tables.

Run by hand:  .venv-test/bin/python tests/bench/tls.py [--runs 7] [--peers sslyze,testssl.sh]
It makes environments under --work, starts the servers that packaging/test installs on loopback
(as root in a network namespace of its own), and writes tests/bench/results-tls.md and the short
form of it between the marks in README.md. testssl.sh is Debian's package of that name.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hundred
import probes
import report
import servers
from paired import CACHE, HERE, ROOT, Ran, install, write
from relay import Relay, relays
from report import Measured

if TYPE_CHECKING:
    from probes import Tool
    from report import Table
    from servers import Logged, Server


def main() -> None:
    """Set up, measure, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=CACHE)
    options.add_argument("--runs", type=int, default=7)
    options.add_argument("--slow-runs", type=int, default=1, help="runs of testssl.sh")
    options.add_argument("--peers", default="sslyze,testssl.sh")
    options.add_argument("--servers", default="", help="their names; all that are installed")
    options.add_argument("--listeners", type=int, default=100)
    chosen = options.parse_args()
    peers = [peer for peer in chosen.peers.split(",") if peer]
    _set_up(chosen.work, peers)
    told = report.circumstances(
        chosen.runs, chosen.slow_runs, probes.versions(chosen.work, peers), alone=servers.apart()
    )
    with tempfile.TemporaryDirectory() as name, probes.residents(chosen.work) as ours:
        folder = Path(name)
        folder.chmod(0o755)  # servers give up their rights before they read
        tools: list[Tool] = [*ours, probes.command(chosen.work), *probes.peers(chosen.work, peers)]
        runs = dict.fromkeys((tool.name for tool in tools), chosen.runs)
        runs[probes.TESTSSL] = chosen.slow_runs
        found: Table = {
            server.name: _measured(
                server, folder / server.word, probes.meant(tools, server.name), runs
            )
            for server in servers.installed(chosen.work / "post-quantum" / "bin" / "python")
            if not chosen.servers or server.word in chosen.servers.split(",")
        }
        beside = probes.SSLYZE in peers
        many = hundred.measured(
            chosen.work, folder, chosen.listeners, min(chosen.runs, 5), beside=beside
        )
    write(
        HERE / "results-tls.md",
        "Last benchmark of TLS",
        report.whole(told, found, many),
        mark="bench-tls",
        short=report.short(told, found, many),
    )


def _set_up(work: Path, peers: list[str]) -> None:
    (work / "state").mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["HYGIENE_AGENT_STATE"] = str(work / "state")
    install(work / "hygiene-agent", str(ROOT), "hygiene-agent", always=True)
    install(work / "post-quantum", "pyopenssl", "python", always=True)
    if probes.SSLYZE in peers:
        install(work / "sslyze", "sslyze", "sslyze")


def _measured(
    server: Server, folder: Path, tools: list[Tool], runs: dict[str, int]
) -> dict[str, Measured]:
    """Count through a relay first, which warms up; then time without it, tool after tool."""
    with servers.running(server, folder) as up:
        with relays([(servers.HOST, up.port)]) as (relay,):
            counted = {tool.name: _counted(tool, relay) for tool in tools}
        ran: dict[str, list[Ran]] = {tool.name: [] for tool in tools}
        logged: dict[str, Logged] = {}
        for number in range(max(runs.values())):
            for tool in tools if number % 2 else reversed(tools):
                if number >= runs[tool.name]:
                    continue
                time.sleep(server.rest)
                start = up.log.stat().st_size
                ran[tool.name].append(tool.once(up.port))
                if tool.name not in logged:
                    time.sleep(0.3)  # the last lines come after the last answer
                    logged[tool.name] = up.logged(start)
    return {
        tool.name: Measured(_median(ran[tool.name]), *counted[tool.name], logged[tool.name])
        for tool in tools
    }


def _counted(tool: Tool, relay: Relay) -> tuple[float, int, int]:
    """Give memory, connections and the most at one time; exits where a tool's own count differs."""
    relay.reset()
    memory = tool.memory(relay.port)
    time.sleep(0.1)
    if tool.said() not in {None, relay.counted.connections}:
        raise SystemExit(f"{tool.name}: says {tool.said()}, the relay {relay.counted.connections}")
    return memory, *relay.counted


def _median(ran: list[Ran]) -> Ran:
    return Ran(
        statistics.median(one.seconds for one in ran),
        statistics.median(one.processor for one in ran),
    )


if __name__ == "__main__":
    main()
