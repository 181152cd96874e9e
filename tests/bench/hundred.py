"""Have the agent find and probe many listeners of one host by itself."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

import probes
import servers
from paired import Ran, family, peak, timed
from relay import Counted, relays

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from servers import Place, Server

NAMES: Final = 20
SECONDS: Final = 20.0
AT_ONCE: Final = 2


class Many(NamedTuple):
    """What one look at all of them took.

    found: listeners that were probed; served: processor seconds of the servers; counted: all
    connections through relays, and the most at one listener at one time; memory: MB; peer:
    what sslyze took for the same, None where it was not asked; named: connections to one listener
    that has so many names in its configuration.
    """

    listeners: int
    found: int
    ran: Ran
    served: float
    memory: float
    counted: Counted
    peer: Ran | None
    named: Counted
    names: int = NAMES

    @property
    def reached(self) -> bool:
        """Everything that is asked of it."""
        return (
            self.found == self.listeners
            and self.ran.seconds < SECONDS
            and self.counted.at_once <= AT_ONCE
        )


def measured(work: Path, folder: Path, count: int, runs: int, *, beside: bool) -> Many:
    """Run the agent without arguments before COUNT sites of nginx; beside: sslyze once, too."""
    report = work / "tls.json"
    program = str(work / "hygiene-agent" / "bin" / "hygiene-agent")
    words = [program, "tls", "--quiet", "--format", "json", "--output", str(report)]
    ports = servers.free_ports(count)
    doors = [f"{servers.HOST}:{port}" for port in ports]
    with servers.running(sites(lambda _: doors), folder / "many") as up:
        memory = peak(words)
        before = _served(up.pid)
        ran = [timed(words) for _ in range(runs)]
        served = (_served(up.pid) - before) / runs
        roots = json.loads(report.read_text())["roots"]
        found = len({int(root.rpartition(":")[2]) for root in roots} & set(ports))
        peer = timed([str(work / "sslyze" / "bin" / "sslyze"), *doors]) if beside else None
    return Many(
        count,
        found,
        Ran(statistics.median(r.seconds for r in ran), statistics.median(r.processor for r in ran)),
        served,
        memory,
        _counted(folder / "counted", count, words),
        peer,
        _named(folder / "named", program),
    )


def _counted(folder: Path, count: int, words: list[str]) -> Counted:
    """Count by relays that listen before servers which have no port of their own."""

    def doors(place: Place) -> list[str]:
        return [f"unix:{place.folder}/{number}.sock" for number in range(count)]

    sockets = [f"{folder}/{number}.sock" for number in range(count)]
    with servers.running(sites(doors), folder), relays(sockets) as before:
        timed(words)
        return _sum([relay.counted for relay in before])


def _sum(counts: Sequence[Counted]) -> Counted:
    """Add up; exits where a listener was not asked at all, for that would pass every limit."""
    if not all(one.connections for one in counts):
        raise SystemExit("hygiene-agent: left a listener out")
    return Counted(sum(one.connections for one in counts), max(one.at_once for one in counts))


def _named(folder: Path, program: str) -> Counted:
    """Probe one listener whose configuration, below a root of its own, has many names."""
    with (
        servers.running(servers.ALL[0], folder) as up,
        relays([(servers.HOST, up.port)]) as (relay,),
    ):
        place = folder / "root" / "etc" / "nginx"
        place.mkdir(parents=True)
        sites = (
            f"server {{ listen {relay.port} ssl; server_name site{number}.example.org; }}"
            for number in range(NAMES)
        )
        (place / "nginx.conf").write_text("events {}\nhttp {\n" + "\n".join(sites) + "\n}\n")
        timed([program, "tls", "--root", str(folder / "root"), f"{servers.HOST}:{relay.port}"])
        return _sum([relay.counted])


def sites(doors: Callable[[Place], list[str]]) -> Server:
    """Give an nginx with a site of TLS at each door, and plain HTTP at its own port."""

    def files(place: Place) -> dict[str, str]:
        sites = [f"server {{ listen {door} ssl; return 200 ok; }}" for door in doors(place)]
        plain = f"server {{ listen {servers.HOST}:{place.port}; return 200 ok; }}"
        return servers.nginx_files(place, "\n".join([plain, *sites]))

    return servers.ALL[0]._replace(files=files)


def _served(pid: int) -> float:
    return sum(map(probes.processor, family(pid)))
