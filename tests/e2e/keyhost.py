"""A host whose daemon keeps the key of one real server, by a Vault behind a proxy that may fail."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import rolestatus, snapshot
from agent.findings import Tracked  # noqa: TC001 - names what is given
from agent.roles.keeper import Published
from agent.rolestatus import Findings
from agent.vault.record import Record, State
from tests.e2e import approle
from tests.e2e.daemon import Daemon
from tests.e2e.keysearch import Search
from tests.e2e.sealing import Bao, until
from tests.e2e.vaulting import NAME, Client, Proxy, ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.agent.vault.conftest import Vault
    from tests.conftest import Hygiene
    from tests.e2e.keyservers import Server

_TIMEOUT = 2


class Place(NamedTuple):
    """Where things are. disk: what stays; memory: what does not, as /run."""

    disk: Path
    memory: Path


@contextlib.contextmanager
def place() -> Iterator[Place]:
    """Have both for a while."""
    with (
        tempfile.TemporaryDirectory(prefix="keys-") as disk,
        tempfile.TemporaryDirectory(prefix="keys-", dir="/dev/shm") as memory,
    ):
        yield Place(Path(disk), Path(memory))


class Source(NamedTuple):
    """A Vault with its proxy. roots: the authority of what it gives, in PEM."""

    vault: Vault
    server: Bao
    proxy: Proxy
    roots: str

    def put(self, path: str) -> None:
        """Put a new pair into a secret."""
        root = self.vault.root
        made = root.secrets.pki.generate_certificate("web", NAME)["data"]
        pair = {"key": made["private_key"], "certificate": made["certificate"]}
        root.secrets.kv.v2.create_or_update_secret(path=path, secret=pair)


@contextlib.contextmanager
def source(folder: Path) -> Iterator[Source]:
    """Have a Vault for a while."""
    with contextlib.ExitStack() as stack:
        server = Bao(folder)
        stack.callback(server.end)
        proxy = Proxy(server)
        stack.callback(proxy.end)
        vault = ready(server, folder, proxy)
        yield Source(vault, server, proxy, vault.root.secrets.pki.read_ca_certificate())


class Host:
    """The daemon and the server. environ: of the daemon, beside what it has anyway."""

    def __init__(self, hygiene: Hygiene, where: Place, vault: Source, kind: type[Server]) -> None:
        self.where, self.vault = where, vault
        self.pem = where.memory / "web.pem"
        self.server = kind(where.disk / "server", self.pem)
        self.search = Search()
        self.environ: dict[str, str] = {}
        self._hygiene = hygiene
        self.daemon: Daemon

    def settings(self, told: dict[str, Any]) -> dict[str, Any]:
        """Give what the bootstrap file says: of one key, from the source that is TOLD."""
        return {
            "vault": approle.section(self.vault.vault, self.where.memory, timeout=_TIMEOUT),
            "keys": {
                "web": {
                    "source": told,
                    "deliver": [{"kind": "file", "path": str(self.pem), "mode": "0600"}],
                    "action": "reload",
                    "prove": {"address": f"127.0.0.1:{self.server.port}", "name": NAME},
                }
            },
            "actions": {"reload": {"command": self.server.reload}},
            "tls": {"enabled": True},
            "watch": {"enabled": False},
        }

    def begin(self, settings: dict[str, Any]) -> None:
        """Start the daemon, and the server as soon as it has something to serve."""
        temporary = self.where.disk / "tmp"
        temporary.mkdir()
        self.daemon = Daemon(self._hygiene, self.where.disk, **settings)
        self.daemon.environ = {"TMPDIR": str(temporary), **self.environ}
        self.daemon.policy.write_text("version: 1\ntls: {exclude: ['*']}\n")
        self.daemon.start()
        until(self.pem.exists, "nothing was delivered")
        self.server.start()
        until(lambda: self.record.state is State.SERVED, lambda: f"it is not served: {self.record}")

    @contextlib.contextmanager
    def looked_at(self) -> Iterator[Client]:
        """Have a client shake hands all the time."""
        client = Client(self.server.port, self.vault.roots)
        try:
            yield client
        finally:
            client.end()

    @property
    def record(self) -> Record:
        """How the key is, by what the keeper publishes."""
        told = snapshot.read(self._published / "keys", Published)
        return told.keys[0] if told and told.keys else Record(name="web")

    @property
    def findings(self) -> list[str]:
        """What is open by the keeper's word, as "CHECK: WHAT IS WRONG"."""
        told = snapshot.read(self._published / rolestatus.FINDINGS, Findings) or Findings(at=0)
        found: list[Tracked] = list(told.open)
        return [f"{one.finding.check}: {one.finding.message}" for one in found]

    @property
    def _published(self) -> Path:
        return self.daemon.state / "keeper" / "published"

    def leaks(self) -> list[Path]:
        """Give the files that stay and have a key which was delivered."""
        for pem in (*self.vault.proxy.keys, *self._delivered()):
            self.search.add(pem)
        assert self.search.keys
        return self.search.found(self.where.disk)

    def _delivered(self) -> Iterator[str]:
        with contextlib.suppress(FileNotFoundError):
            yield self.pem.read_text()

    def end(self) -> None:
        with contextlib.suppress(AttributeError):
            self.daemon.end()
        self.server.end()


@contextlib.contextmanager
def host(hygiene: Hygiene, vault: Source, kind: type[Server]) -> Iterator[Host]:
    """Have a host for a while."""
    with place() as where:
        made = Host(hygiene, where, vault, kind)
        try:
            yield made
        finally:
            made.end()


def fresh() -> str:
    """Give a path of the KV engine that nobody else uses."""
    return f"web-{secrets.token_hex(4)}"
