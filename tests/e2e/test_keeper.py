"""Keys from Vault to a real server, by the daemon: got, delivered, taken up, proven, renewed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agent import snapshot
from agent.roles.keeper import Published
from agent.vault.record import Record, State
from tests.agent.policy import bao
from tests.agent.vault.authority import issue
from tests.agent.vault.conftest import Vault
from tests.e2e.daemon import Daemon, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Hygiene

NAME = "www.example.net"
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; user {user};
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/t; proxy_temp_path {folder}/t;
  fastcgi_temp_path {folder}/t; uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{
    listen 127.0.0.1:{port} ssl; server_name {name};
    ssl_certificate {pem}; ssl_certificate_key {pem};
    location / {{ return 204; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with bao.running(tmp_path_factory.mktemp("bao")) as server:
        yield Vault(server, tmp_path_factory.mktemp("host"))


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder in memory, as /run is."""
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class Nginx:
    """A server whose key is where the keeper delivers it."""

    def __init__(self, folder: Path, pem: Path) -> None:
        self.port, self.pem = _free(), pem
        self.config = folder / "nginx.conf"
        said = _NGINX.format(folder=folder, user="root", port=self.port, name=NAME, pem=pem)
        self.config.write_text(said)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def reload(self) -> list[str]:
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", str(self.config), "-s", "reload"]

    def start(self) -> None:
        command = ["/usr/sbin/nginx", "-e", "stderr", "-c", str(self.config)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)

    def serial(self) -> str:
        """Give the hash of the certificate that is served; raises OSError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.port), 5) as link,
            context.wrap_socket(link, server_hostname=NAME) as line,
        ):
            return ssl.DER_cert_to_PEM_cert(line.getpeercert(binary_form=True) or b"")


class Client:
    """Shakes hands every 50 ms, all the time."""

    def __init__(self, nginx: Nginx) -> None:
        self._nginx = nginx
        self.seen: list[str] = []
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            try:
                served = self._nginx.serial()
            except OSError as error:
                self.failed.append(str(error))
            else:
                if not self.seen or self.seen[-1] != served:
                    self.seen.append(served)

    def end(self) -> None:
        self._stop.set()
        self._thread.join()


class World:
    """A daemon with a key for nginx."""

    def __init__(self, hygiene: Hygiene, folder: Path, shared: Path, vault: Vault) -> None:
        self.shared, self.vault = shared, vault
        self.nginx = Nginx(folder, shared / "web.pem")
        self.hygiene, self.folder = hygiene, folder
        self.daemon: Daemon

    def begin(self, source: dict[str, Any]) -> None:
        """Start the daemon with a key from a source."""
        told = self.vault.approle()
        assert told.login is not None
        login = {"kind": "approle", "role_id": told.login.role_id}
        login["secret_id_file"] = told.login.secret_id_file
        key = {
            "source": source,
            "deliver": [{"kind": "file", "path": str(self.nginx.pem), "mode": "0600"}],
            "action": "nginx",
            "prove": {"address": f"127.0.0.1:{self.nginx.port}", "name": NAME},
        }
        self.daemon = Daemon(
            self.hygiene,
            self.folder,
            vault={
                "address": told.address,
                "ca": told.ca,
                "login": login,
                "folder": str(self.shared / "keeper"),
            },
            keys={"web": key},
            actions={"nginx": {"command": self.nginx.reload}},
            tls={"enabled": True},
            watch={"enabled": False},
        )
        (self.shared / "keeper").mkdir(mode=0o700)
        self.daemon.policy.write_text("version: 1\ntls: {exclude: ['*']}\n")
        self.daemon.start()

    @property
    def record(self) -> Record:
        """How the key is, by what the keeper publishes."""
        place = self.daemon.state / "keeper" / "published" / "keys"
        told = snapshot.read(place, Published)
        return told.keys[0] if told and told.keys else Record(name="web")

    def end(self) -> None:
        self.nginx.end()
        self.daemon.end()


@pytest.fixture
def world(hygiene: Hygiene, folder: Path, shared: Path, vault: Vault) -> Iterator[World]:
    one = World(hygiene, folder, shared, vault)
    try:
        yield one
    finally:
        with contextlib.suppress(AttributeError):
            one.end()


def test_a_certificate_is_renewed_without_a_failed_handshake(world: World) -> None:
    """A key made on this host, never on its disk; each one is proven to be served."""
    source = {"kind": "pki", "role": "web", "names": [NAME], "ttl": 20}
    world.begin(source)
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    client = Client(world.nginx)
    try:
        until(lambda: len(set(client.seen)) >= 3)
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


class Pair:
    """What a team puts into Vault: a key with its certificate, and the authority above."""

    def __init__(self, names: list[str]) -> None:
        root = issue("authority")
        leaf = issue("web", root, names=names)
        self.fields = {"key": leaf.private, "certificate": leaf.pem, "chain": root.pem}


def test_what_is_not_fit_is_never_served(world: World, vault: Vault) -> None:
    """A pair that does not match, another name, no certificate: the one before is served on."""
    path = f"web-{time.monotonic_ns()}"
    kept = vault.root.secrets.kv.v2
    good = Pair([NAME])
    kept.create_or_update_secret(path=path, secret=good.fields)
    world.begin({"kind": "kv", "path": path, "poll": 1})
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    client = Client(world.nginx)
    bad = [
        {**good.fields, "key": Pair([NAME]).fields["key"]},
        Pair(["other.example.net"]).fields,
        {**good.fields, "certificate": "none"},
        {"password": "p"},
    ]
    try:
        for fields in bad:
            kept.create_or_update_secret(path=path, secret=fields)
            until(lambda: world.record.fault == "vault-key-unfit")
            assert world.record.state is State.KEPT
            kept.create_or_update_secret(path=path, secret=good.fields)
            world.daemon.hurry()
            until(lambda: world.record.state is State.SERVED)
        until(lambda: world.daemon.status()["findings"]["open"] == 0)
        better = Pair([NAME])
        kept.create_or_update_secret(path=path, secret=better.fields)
        until(lambda: len(set(client.seen)) == 2)
    finally:
        client.end()
    assert client.failed == []


def test_a_server_that_cannot_take_it_up_keeps_the_one_before(world: World, vault: Vault) -> None:
    """A reload that fails, with a finding, and the new one as soon as it works again."""
    path = f"web-{time.monotonic_ns()}"
    kept = vault.root.secrets.kv.v2
    kept.create_or_update_secret(path=path, secret=Pair([NAME]).fields)
    world.begin({"kind": "kv", "path": path, "poll": 1})
    until(world.nginx.pem.exists)
    world.nginx.start()
    until(lambda: world.record.state is State.SERVED)
    before = world.nginx.pem.read_bytes()
    client = Client(world.nginx)
    right = world.nginx.config.read_text()
    try:
        world.nginx.config.write_text(right.replace("listen", "listens"))
        kept.create_or_update_secret(path=path, secret=Pair([NAME]).fields)
        until(lambda: world.record.fault == "key-not-taken-up")
        until(lambda: world.daemon.status()["findings"]["open"] == 1)
        assert world.nginx.pem.read_bytes() == before
        shown = world.daemon.ask("keys", "status")
        assert (shown.returncode, "key-not-taken-up: nginx: ended with" in shown.stdout) == (
            1,
            True,
        )
        world.nginx.config.write_text(right)
        until(lambda: world.record.state is State.SERVED)
        until(lambda: len(set(client.seen)) == 2)
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
    served, record = world.nginx.serial(), world.record
    pid = world.daemon.role("keeper")["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: world.daemon.role("keeper").get("pid") not in {pid, 0, None})
    until(lambda: world.daemon.role("keeper").get("state") == "running")
    world.daemon.end()
    world.daemon.start()
    until(lambda: world.daemon.role("keeper").get("state") == "running")
    time.sleep(2)
    assert world.nginx.serial() == served
    assert world.record == record
