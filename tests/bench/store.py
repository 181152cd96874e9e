"""Measure a store of policy with ten thousand hosts that ask it, and write the tables.

Run by hand:  .venv-test/bin/python -m tests.bench.store [--hosts 10000] [--every 300]
Each host is the client of the courier with its own folder, its own moment and a new connection with
mutual TLS for each poll, many hosts in a process; the store is nginx on the same machine, published
by the commands of the security team. First all hosts ask for the first time, each at its moment;
then a new edition is published; then nginx is away; then it is back. Figures are from nginx's
access log, but for processor time. It writes tests/bench/results-store.md.
"""

from __future__ import annotations

import argparse
import collections
import datetime
import heapq
import itertools
import json
import multiprocessing
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from agent.events import Host
from agent.policy import rollout
from agent.policy.pulled import Store
from agent.settings import StoreSettings
from tests.agent.collector.world import Authority

if TYPE_CHECKING:
    from collections.abc import Iterable

RESULTS = Path(__file__).with_name("results-store.md")
_PROCESSES = 2
_THREADS = 16
_GROUPS = 20
_SLACK = 5.0
"""Seconds that a publisher and a late poll may take."""
_NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {folder}/nginx.pid; user {user};
events {{ worker_connections 10000; }}
http {{
  log_format polls '$msec $connection $status $request_length $bytes_sent $uri';
  access_log {folder}/access.log polls;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{port} ssl; keepalive_timeout 20s;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {folder}/ca.pem; ssl_verify_client on;
    root {root};
  }}
}}
"""


class Plan(NamedTuple):
    """What every simulating process is told. ends: when it is over, in seconds since 1970."""

    settings: StoreSettings
    folder: str
    hosts: int
    every: float
    ends: float


class Poll(NamedTuple):
    """One poll: when, of which host, how long, which edition of the base it then has, 0 if none."""

    at: float
    host: int
    seconds: float
    edition: int
    refused: str


def simulate(plan: Plan, share: int) -> None:
    """Be every host whose number falls to this process, until the end."""
    numbers = range(share, plan.hosts, _PROCESSES)
    stores = {number: _store(plan, number) for number in numbers}
    due = [(_next(plan, number), number) for number in numbers]
    heapq.heapify(due)
    polls: list[Poll] = []
    cpu = time.process_time()
    with ThreadPoolExecutor(_THREADS) as pool:
        while due and due[0][0] < plan.ends:
            at, number = heapq.heappop(due)
            time.sleep(max(at - time.time(), 0))
            pool.submit(_polled, stores[number], number, polls)
            heapq.heappush(due, (_next(plan, number, at + 0.001), number))
    spent = time.process_time() - cpu
    Path(plan.folder, f"polls-{share}").write_text(json.dumps({"cpu": spent, "polls": polls}))


def _store(plan: Plan, number: int) -> Store:
    folder = Path(plan.folder, "hosts", str(number))
    folder.mkdir(parents=True, mode=0o700)
    labels = {"role": f"r{number % _GROUPS}"}
    return Store(plan.settings, Host(id=f"h{number}", name=f"host{number}", labels=labels), folder)


def _next(plan: Plan, number: int, now: float = 0) -> float:
    now = now or time.time()
    return now + rollout.due(f"h{number}", plan.every, now)


def _polled(store: Store, number: int, polls: list[Poll]) -> None:
    at = time.time()
    pulled = store.poll({})
    edition = pulled.editions.get("base", 0) if pulled.made else 0
    refused = pulled.refused.value if pulled.refused else ""
    polls.append(Poll(at, number, time.time() - at, edition, refused))


class Bench:
    """nginx, the team's folder, and the time at which each part began."""

    def __init__(self, folder: Path, hosts: int, every: float, outage: float) -> None:
        self._folder, self._hosts, self._every, self._outage = folder, hosts, every, outage
        self._port = 0
        self._nginx: subprocess.Popen[bytes] | None = None
        self.began: dict[str, float] = {}

    def run(self) -> str:
        """Go through all parts; gives the tables."""
        self._team("init", "--unattended")
        for group in range(_GROUPS):
            path = self._folder / "team" / "group" / "role" / f"r{group}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"name: role-{group}\nfail_on: high\n")
        self._publish("first")
        self._start_nginx()
        total = 3 * (self._every + _SLACK) + self._outage
        plan = Plan(
            self._settings(), str(self._folder), self._hosts, self._every, time.time() + total
        )
        self.began["first polls"] = time.time()
        workers = [
            multiprocessing.Process(target=simulate, args=(plan, share))
            for share in range(_PROCESSES)
        ]
        for worker in workers:
            worker.start()
        time.sleep(self._every)
        self._publish("second")
        self.began["a new edition"] = time.time()
        time.sleep(self._every + _SLACK)
        self._stop_nginx()
        self.began["away"] = time.time()
        time.sleep(self._outage)
        self._start_nginx()
        self.began["back again, nothing new"] = time.time()
        for worker in workers:
            worker.join()
        self.began["end"] = time.time()
        self._stop_nginx()
        return self._tables()

    def _team(self, act: str, *words: str) -> None:
        passphrase = self._folder / "passphrase"
        passphrase.write_text("only for this run\n")
        passphrase.chmod(0o600)
        access = ("--keys", str(self._folder / "keys"), "--passphrase-file", str(passphrase))
        command = [sys.executable, "-I", "-m", "agent", "policy", act, str(self._folder / "team")]
        subprocess.run([*command, *words, *access], check=True, capture_output=True)

    def _publish(self, name: str) -> None:
        base = self._folder / "team" / "base.yaml"
        base.write_text(f"version: 1\nname: {name}\nfiles: {{exclude: ['/srv/backup/*']}}\n")
        self._team("sign", "--key", "policy")
        self._team("publish")

    def _settings(self) -> StoreSettings:
        return StoreSettings(
            url=f"https://localhost:{self._port}/",
            root=str(self._folder / "team" / "store" / "metadata" / "1.root.json"),
            ca=str(self._folder / "ca.pem"),
            certificate=str(self._folder / "client.pem"),
            key=str(self._folder / "client.key"),
        )

    def _start_nginx(self) -> None:
        if not self._port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self._port = free.getsockname()[1]
            self._certificates()
        user = "root" if os.geteuid() == 0 else "nobody"
        said = _NGINX.format(
            folder=self._folder, port=self._port, user=user, root=self._folder / "team" / "store"
        )
        (self._folder / "nginx.conf").write_text(said)
        command = ["nginx", "-e", "stderr", "-c", str(self._folder / "nginx.conf")]
        self._nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def _stop_nginx(self) -> None:
        if self._nginx is not None:
            self._nginx.terminate()
            self._nginx.wait()
            self._nginx = None

    def _certificates(self) -> None:
        authority = Authority(self._folder, "ca")
        for name, issued in (
            ("server", authority.issue("server", "localhost")),
            ("client", authority.issue("client")),
        ):
            issued.certificate.rename(self._folder / f"{name}.pem")
            issued.key.rename(self._folder / f"{name}.key")

    # What it comes to

    def _tables(self) -> str:
        asked, polls, cpu = self._asked(), *self._polled()
        parts = list(self.began)
        rows = ["| part | polls | polls a second, mean / worst | refused | requests | bytes |"]
        rows.append("|---|---|---|---|---|---|")
        for part, following in itertools.pairwise(parts):
            span = (self.began[part], self.began[following])
            rows.append(self._row(part, span, polls, asked))
        today = datetime.datetime.now(datetime.UTC).date()
        head = (
            f"{self._hosts:,} hosts, one poll each in {self._every:.0f} s, a new connection with"
            f" mutual TLS for each; nginx and all hosts on {os.cpu_count()} cores,"
            f" Python {platform.python_version()}, {today}; nginx away for {self._outage:.0f} s."
            " Requests and bytes are means of one poll by nginx's access log, HTTP alone."
        )
        lines = ["# Last benchmark of a store", "", head, "", *rows, ""]
        lines += ["| what | measured |", "|---|---|", *self._adopted(polls)]
        lines.append(f"| CPU of a poll, all of the simulating process | {1000 * cpu:.1f} ms |")
        return "\n".join(lines) + "\n"

    def _row(
        self, part: str, span: tuple[float, float], polls: list[Poll], asked: list[list[str]]
    ) -> str:
        begin, end = span
        own = [poll for poll in polls if begin <= poll.at < end]
        seconds = collections.Counter(int(poll.at) for poll in own)
        refused = sum(bool(poll.refused) for poll in own)
        seen = [one for one in asked if begin <= float(one[0]) < end]
        count = max(len(own), 1)
        size = sum(int(one[3]) + int(one[4]) for one in seen)
        return (
            f"| {part} | {len(own):,} | {len(own) / (end - begin):.1f} /"
            f" {max(seconds.values(), default=0)} | {refused:,} |"
            f" {len(seen) / count:.2f} | {size / count:,.0f} |"
        )

    def _adopted(self, polls: list[Poll]) -> Iterable[str]:
        """Say how long after it was published each host had the new edition."""
        published = self.began["a new edition"]
        first: dict[int, float] = {}
        newest = max(poll.edition for poll in polls)
        for poll in polls:
            if poll.edition == newest:
                first.setdefault(poll.host, poll.at + poll.seconds - published)
        took = sorted(first.values())
        yield f"| hosts that have the new edition | {len(took):,} of {self._hosts:,} |"
        for share in (50, 95, 100):
            place = took[max(len(took) * share // 100 - 1, 0)] if took else float("nan")
            yield f"| {share} % of them after | {place:.0f} s |"
        spread = sorted(poll.seconds for poll in polls if not poll.refused)
        cuts = statistics.quantiles(spread, n=100)
        yield f"| seconds of a poll, median / 99 % | {cuts[49]:.3f} / {cuts[98]:.3f} |"

    def _asked(self) -> list[list[str]]:
        lines = (self._folder / "access.log").read_text().splitlines()
        return [line.split() for line in lines]

    def _polled(self) -> tuple[list[Poll], float]:
        """Give all polls by time, and seconds of processor time of one."""
        polls, cpu = [], 0.0
        for share in range(_PROCESSES):
            told = json.loads((self._folder / f"polls-{share}").read_text())
            cpu += told["cpu"]
            polls += [Poll(*one) for one in told["polls"]]
        return sorted(polls), cpu / max(len(polls), 1)


def main() -> None:
    """Run it, show the tables and keep them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--every", type=float, default=300, help="Seconds between two polls.")
    parser.add_argument("--outage", type=float, default=600, help="Seconds without the store.")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        tables = Bench(Path(folder), options.hosts, options.every, options.outage).run()
    print(tables)
    options.results.write_text(tables)


if __name__ == "__main__":
    main()
