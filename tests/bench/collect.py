"""Measure `hygiene-agent collect` with thousands of hosts, and write the tables.

Run by hand:  .venv-test/bin/python -m tests.bench.collect [--hosts 3000] [--findings 50]
Each host has a certificate and a connection of its own, which it keeps; batches are what our HTTPS
sink sends, gzip and all. Everything shares this machine, hosts included: a receiver that is alone
does better. It writes tests/bench/results-collect.md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import gc
import os
import platform
import resource
import selectors
import ssl
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent import ocsf
from agent.collector import schema
from agent.events import Health, Kind
from agent.findings import Status
from tests.agent.collector.world import Role, World, host, leak

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.events import Event, Host

RESULTS = Path(__file__).with_name("results-collect.md")
_IMAGES = 20
_AT_ONCE = 64
_HEAD = (
    "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
    "Content-Length: {}\r\n\r\n"
)


class Phase(NamedTuple):
    """What a phase took. requests, events: how many; latencies: seconds of each request."""

    name: str
    requests: int
    events: int
    seconds: float
    cpu: float
    latencies: tuple[float, ...]
    sent: int = 0

    @property
    def row(self) -> tuple[str, ...]:
        spread = statistics.quantiles(self.latencies, n=100)
        each = self.cpu / max(self.events, 1) * 1e6
        return (
            self.name,
            f"{self.requests:,}",
            f"{self.requests / self.seconds:,.0f}",
            f"{self.events / self.seconds:,.0f}",
            f"{each:,.0f}",
            f"{spread[49] * 1000:,.0f} / {spread[98] * 1000:,.0f}",
            f"{self.cpu / self.seconds:.2f}",
        )


class Client:
    """A host with its connection."""

    def __init__(self, number: int, link: ssl.SSLSocket) -> None:
        self.host: Host = host(f"host{number}", image=f"image:{number % _IMAGES}")
        self.role = Role(f"{number:032x}")
        self.link = link
        self.live: dict[str, Status] = {}

    def body(self, events: Iterable[Event]) -> bytes:
        lines = b"".join(ocsf.line(event, self.host) for event in events)
        packed = gzip_of(lines)
        return _HEAD.format(len(packed)).encode() + packed

    def first(self, count: int) -> bytes:
        """Everything that is open, told for the first time, and a digest."""
        found = [
            leak(f"{self.role.stream[-16:]}{n:016x}", f"/srv/app{n}.yml") for n in range(count)
        ]
        self.live = dict.fromkeys((one.identity for one in found), Status.OPEN)
        return self.body([*self.role.opened(*found), self.role.digest(self.live)])

    def one(self) -> bytes:
        """One thing that changed."""
        return self.body([self.role.about(Kind.CHANGED, leak(next(iter(self.live)), "/srv/a.yml"))])

    def told(self) -> bytes:
        """A digest and a word about itself, as comes every few hours."""
        health = Health(component="watcher", state="up")
        return self.body([self.role.event(Kind.HEALTH, health=health), self.role.digest(self.live)])


def gzip_of(data: bytes) -> bytes:
    import gzip

    return gzip.compress(data, 6, mtime=0)


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hosts", type=int, default=3000)
    options.add_argument("--findings", type=int, default=50)
    chosen = options.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name), viewers=True)
        world.receiver.start()
        try:
            text = _measured(world, chosen.hosts, chosen.findings)
        finally:
            world.end()
    RESULTS.write_text(text)
    print(text)


def _measured(world: World, hosts: int, findings: int) -> str:
    pid = _pid(world)
    idle = _memory(pid)
    cpu, start = _cpu(pid), time.perf_counter()
    clients = list(_connected(world, hosts))
    joined = time.perf_counter() - start
    joining = _cpu(pid) - cpu
    gc.freeze()
    connected = _memory(pid)
    phases = [
        _run(
            pid,
            f"first report, {findings} findings",
            clients,
            findings + 1,
            lambda c: c.first(findings),
        ),
        _run(pid, "one change", clients, 1, Client.one),
        _run(pid, "health and digest", clients, 2, Client.told),
    ]
    loaded = _memory(pid)
    views = [_viewed(world, path) for path in ("/", "/api/view")]
    rows = world.receiver.shown()["counts"]
    assert (rows["hosts"], rows["open"], rows["out_of_step"]) == (hosts, hosts * findings, 0), rows
    size = (world.receiver.state / schema.NAME).stat().st_size
    lines = [
        *_circumstances(hosts, findings),
        *_table(
            (
                "phase",
                "requests",
                "requests/s",
                "events/s",
                "CPU µs/event",
                "ms, median / 99 %",
                "cores",
            ),
            (phase.row for phase in phases),
        ),
        "",
        *_table(
            ("what", "measured"),
            (
                ("handshakes, both sides on this machine", f"{hosts / joined:,.0f} a second"),
                ("CPU of a handshake at the receiver", f"{joining / hosts * 1000:.1f} ms"),
                ("memory with no host", f"{idle / 1e6:.0f} MB"),
                (f"with {hosts:,} connected", f"{connected / 1e6:.0f} MB"),
                ("a connection", f"{(connected - idle) / hosts / 1024:.0f} KiB"),
                ("after all reports", f"{loaded / 1e6:.0f} MB"),
                ("after the page and the JSON were made", f"{_memory(pid) / 1e6:.0f} MB"),
                (f"file with {hosts * findings:,} findings", f"{size / 1e6:.0f} MB"),
                ("of it a finding", f"{size / hosts / findings:,.0f} bytes"),
                (
                    "a report of a finding on the wire",
                    f"{phases[0].sent / phases[0].events:,.0f} bytes",
                ),
                ("the page", f"{views[0]:.1f} s"),
                ("the JSON", f"{views[1]:.1f} s"),
            ),
        ),
        "",
        *_conclusion(phases),
    ]
    return "\n".join(lines) + "\n"


def _circumstances(hosts: int, findings: int) -> list[str]:
    today = datetime.datetime.now(datetime.UTC).date()
    return [
        "# Last benchmark of the receiver",
        "",
        f"{hosts:,} hosts with {findings} findings each, a certificate and a kept connection each,"
        f" {_AT_ONCE} requests under way at a time; {os.cpu_count()} cores, which the hosts share"
        f" (load {os.getloadavg()[0]:.1f} before), Python {platform.python_version()},"
        f" {' '.join(ssl.OPENSSL_VERSION.split()[:2])}, {today}. Each batch is"
        " on the disk (SQLite, WAL, synchronous=FULL) before it is acknowledged.",
        "",
    ]


def _conclusion(phases: list[Phase]) -> list[str]:
    first, _, steady = phases
    minutes = first.seconds / 60
    share = steady.cpu / steady.requests / (4 * 3600) * 10_000 * 100
    return [
        f"So {steady.requests:,} hosts that all report everything at once, as after a new rule, are"
        f" through in {minutes:.1f} minutes on this machine; 10,000 hosts that say every four hours"
        f" how they are use {share:.2f} % of one core. Connections are the first limit: 4,096"
        " unless --most-connections says more. Made-up findings resemble each other: real ones take"
        " more bytes on the wire.",
        "",
        "Why sockets are driven by OpenSSL under asyncio: of three ways to keep 900 connections"
        " over TLS 1.3 with client certificates, measured once beside each other, a thread each"
        " took 89 KiB a connection, asyncio's own streams 297 KiB, this way 30 KiB, at about the"
        " same CPU time a request.",
    ]


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(row)} |"


def _connected(world: World, hosts: int) -> Iterator[Client]:
    for number in range(hosts):
        speaker = world.speaker(f"host{number}")
        yield Client(number, speaker.socket())


def _run(pid: int, name: str, clients: list[Client], events: int, make: object) -> Phase:
    """Have every host send one batch, some of them at a time."""
    bodies = [make(client) for client in clients]  # type: ignore[operator]  # made for each
    cpu, start = _cpu(pid), time.perf_counter()
    latencies: list[float] = []
    waiting = list(zip(clients, bodies, strict=True))[::-1]
    with selectors.DefaultSelector() as ready:
        under_way = 0
        while waiting or under_way:
            while waiting and under_way < _AT_ONCE:
                client, body = waiting.pop()
                client.link.sendall(body)
                ready.register(client.link, selectors.EVENT_READ, time.perf_counter())
                under_way += 1
            for key, _ in ready.select():
                link = key.fileobj
                assert isinstance(link, ssl.SSLSocket)
                said = link.recv(65_536)
                assert said.startswith(b"HTTP/1.1 200"), said
                latencies.append(time.perf_counter() - key.data)
                ready.unregister(link)
                under_way -= 1
    took, used = time.perf_counter() - start, _cpu(pid) - cpu
    sent = sum(map(len, bodies))
    return Phase(name, len(clients), events * len(clients), took, used, tuple(latencies), sent)


def _viewed(world: World, path: str) -> float:
    viewer = world.client(world.others.issue("viewer"), view=True)
    start = time.perf_counter()
    assert viewer.ask("GET", path).status == 200
    if path == "/":
        with contextlib.suppress(KeyError):
            Path(os.environ["HYGIENE_COLLECT_PAGE"]).write_text(viewer.ask("GET", "/").body)
    return time.perf_counter() - start


def _pid(world: World) -> int:
    assert world.receiver.process
    return world.receiver.process.pid


def _memory(pid: int) -> int:
    """Give a process's share of memory in bytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
