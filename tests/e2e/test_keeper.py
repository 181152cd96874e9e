"""Keys from Vault to a real server, by the daemon: got, delivered, taken up, proven, renewed."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent import snapshot
from agent.roles.keeper import Published
from agent.vault.record import Record, State
from tests.agent.vault.authority import issue
from tests.e2e import approle
from tests.e2e.daemon import Daemon, ending, until
from tests.e2e.keyservers import Nginx
from tests.e2e.vaulting import NAME, Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.agent.vault.authority import Issued
    from tests.agent.vault.conftest import Vault
    from tests.conftest import Hygiene


class World:
    """A daemon with a key for nginx."""

    def __init__(self, hygiene: Hygiene, folder: Path, shared: Path, vault: Vault) -> None:
        self.shared, self.vault = shared, vault
        self.nginx = Nginx(folder / "server", shared / "web.pem")
        self.hygiene, self.folder = hygiene, folder
        self.daemon: Daemon

    def begin(self, source: dict[str, Any]) -> None:
        """Start the daemon with a key from a source."""
        key = {
            "source": source,
            "deliver": [{"kind": "file", "path": str(self.nginx.pem), "mode": "0600"}],
            "action": "nginx",
            "prove": {"address": f"127.0.0.1:{self.nginx.port}", "name": NAME},
        }
        self.daemon = Daemon(
            self.hygiene,
            self.folder,
            vault=approle.section(self.vault, self.shared),
            keys={"web": key},
            actions={"nginx": {"command": self.nginx.reload}},
            tls={"enabled": True},
            watch={"enabled": False},
        )
        self.daemon.policy.write_text("version: 1\ntls: {exclude: ['*']}\n")
        self.daemon.start()

    @property
    def published(self) -> Path:
        """What the keeper tells of its keys."""
        return self.daemon.state / "keeper" / "published" / "keys"

    @property
    def record(self) -> Record:
        """How the key is, by what the keeper publishes."""
        told = snapshot.read(self.published, Published)
        return told.keys[0] if told and told.keys else Record(name="web")

    def client(self, root: str = "") -> Client:
        """Shake hands all the time; root: in PEM, the Vault's own if there is none."""
        return Client(self.nginx.port, root or self.vault.root.secrets.pki.read_ca_certificate())

    def end(self) -> None:
        self.nginx.end()
        self.daemon.end()


@pytest.fixture
def world(hygiene: Hygiene, folder: Path, shared: Path, vault: Vault) -> Iterator[World]:
    with ending(World(hygiene, folder, shared, vault)) as one:
        yield one


def test_a_certificate_is_renewed_without_a_failed_handshake(world: World) -> None:
    """A key made on this host, never on its disk; each one is proven to be served."""
    source = {"kind": "pki", "role": "web", "names": [NAME], "ttl": 20}
    world.begin(source)
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    client = world.client()
    try:
        until(lambda: len(client.served) >= 3)
    finally:
        client.end()
    assert client.failed == []
    assert world.record.state is State.SERVED
    assert time.time() - world.record.proven < 60
    shown = world.daemon.ask("keys", "status")
    assert (shown.returncode, shown.stdout.startswith("web  served  sha256 ")) == (0, True)
    on_disk = [path for path in world.folder.rglob("*") if path.is_file()]
    key = world.nginx.pem.read_bytes().splitlines()[1]
    assert [path for path in on_disk if key in path.read_bytes()] == []


def _pair(root: Issued, name: str = NAME) -> dict[str, str]:
    """Make what a team puts into Vault: a key with its certificate, and the authority above."""
    leaf = issue("web", root, names=[name])
    return {"key": leaf.private, "certificate": leaf.pem, "chain": root.pem}


def test_what_is_not_fit_is_never_served(world: World, vault: Vault) -> None:
    """A pair that does not match, another name, no certificate: the one before is served on."""
    path = f"web-{time.monotonic_ns()}"
    kept = vault.root.secrets.kv.v2
    root = issue("authority")
    good = _pair(root)
    kept.create_or_update_secret(path=path, secret=good)
    world.begin({"kind": "kv", "path": path, "poll": 1})
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    client = world.client(root.pem)
    bad = [
        {**good, "key": _pair(root)["key"]},
        _pair(root, "other.example.net"),
        {**good, "certificate": "none"},
        {"password": "p"},
    ]
    try:
        for fields in bad:
            kept.create_or_update_secret(path=path, secret=fields)
            until(lambda: world.record.fault == "vault-key-unfit")
            assert world.record.state is State.KEPT
            kept.create_or_update_secret(path=path, secret=good)
            world.daemon.hurry()
            until(lambda: world.record.state is State.SERVED)
        until(lambda: world.daemon.status()["findings"]["open"] == 0)
        kept.create_or_update_secret(path=path, secret=_pair(root))
        until(lambda: len(client.served) == 2)
    finally:
        client.end()
    assert client.failed == []


def test_a_server_that_cannot_take_it_up_keeps_the_one_before(world: World, vault: Vault) -> None:
    """A reload that fails, with a finding, and the new one as soon as it works again."""
    path = f"web-{time.monotonic_ns()}"
    kept = vault.root.secrets.kv.v2
    root = issue("authority")
    kept.create_or_update_secret(path=path, secret=_pair(root))
    world.begin({"kind": "kv", "path": path, "poll": 1})
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    before = world.nginx.pem.read_bytes()
    client = world.client(root.pem)
    right = world.nginx.file.read_text()
    try:
        world.nginx.file.write_text(right.replace("listen", "listens"))
        kept.create_or_update_secret(path=path, secret=_pair(root))
        until(lambda: world.record.fault == "key-not-taken-up")
        until(lambda: world.daemon.status()["findings"]["open"] == 1)
        assert world.nginx.pem.read_bytes() == before
        shown = world.daemon.ask("keys", "status")
        assert (shown.returncode, "key-not-taken-up: nginx: ended with" in shown.stdout) == (
            1,
            True,
        )
        world.nginx.file.write_text(right)
        until(lambda: world.record.state is State.SERVED)
        until(lambda: len(client.served) == 2)
    finally:
        client.end()
    assert client.failed == []
    until(lambda: world.daemon.status()["findings"]["open"] == 0)


def test_a_restart_asks_for_nothing_again(world: World) -> None:
    """Killed or stopped, what is served is taken up from where it is in memory."""
    world.begin({"kind": "pki", "role": "web", "names": [NAME], "ttl": 3600})
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    record, client = world.record, world.client()
    try:
        until(lambda: client.served)
        pid = world.daemon.role("keeper")["pid"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: world.daemon.role("keeper").get("pid") not in {pid, 0, None})
        until(lambda: world.daemon.role("keeper").get("state") == "running")
        world.daemon.end()
        before = world.published.stat().st_mtime_ns
        world.daemon.start()
        until(lambda: world.published.stat().st_mtime_ns > before)
        looks = len(client.seen)
        until(lambda: len(client.seen) > looks + 20)
    finally:
        client.end()
    assert (client.failed, len(client.served)) == ([], 1)
    assert world.record == record
