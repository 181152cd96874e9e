"""What a team has beside its hosts: OpenBao for secrets, and a receiver of reports."""

from __future__ import annotations

import contextlib
import json
import secrets
from typing import TYPE_CHECKING, Any

import hvac
import requests
from stage import beside, free, listens, private

if TYPE_CHECKING:
    from pathlib import Path

    from stage import Stage


class OpenBao:
    """OpenBao in memory, with a login for the agent."""

    def __init__(self, stage: Stage) -> None:
        """Choose where it listens; nothing runs yet."""
        self._stage = stage
        self.url = f"https://127.0.0.1:{free()}"
        self.ca, self.token = stage.memory / "vault-ca.pem", stage.memory / "token"
        self._secret_id = stage.memory / "secret-id"
        self._role = ""

    def serve(self) -> None:
        """Start it, and let the agent read what the story will put into it."""
        token = secrets.token_hex(16)
        self._stage.serve(
            "OpenBao",
            lambda: self.ca.exists() and _is_well(self.url, self.ca),
            *(beside("bao"), "server", "-dev-tls", "-dev-no-store-token"),
            *(f"-dev-tls-cert-dir={self.ca.parent}", f"-dev-root-token-id={token}"),
            f"-dev-listen-address={self.url.removeprefix('https://')}",
            HOME=str(self.ca.parent),
        )
        client = hvac.Client(url=self.url, token=token, verify=str(self.ca))
        client.sys.enable_auth_method("approle")
        read = 'path "secret/*" { capabilities = ["read"] }'
        client.sys.create_or_update_policy("agent", read)
        client.auth.approle.create_or_update_approle("web", token_policies=["agent"])
        self._role = client.auth.approle.read_role_id("web")["data"]["role_id"]
        made = client.auth.approle.generate_secret_id("web")
        private(self.token, token)
        private(self._secret_id, made["data"]["secret_id"])

    def login(self) -> dict[str, str]:
        """Say how the agent logs in."""
        file = str(self._secret_id)
        return {"kind": "approle", "secret_id_file": file, "role_id": self._role}


class Receiver:
    """The receiver of reports, which knows hosts by their certificates."""

    def __init__(self, stage: Stage) -> None:
        """Choose where it listens; nothing runs yet."""
        self._stage = stage
        self._state, self._port = stage.folder / "receiver", free()
        self._memory = stage.memory

    def serve(self) -> None:
        """Start it."""
        self._certify("receiver", "127.0.0.1")
        (self._memory / "story.crt").write_text(self._stage.authority.pem)
        self._stage.serve(
            "the receiver",
            lambda: listens(self._port),
            *(beside("hygiene-agent"), "collect", "serve", "--state", self._state),
            *("--listen", f"127.0.0.1:{self._port}", "--speaks-for", "first"),
            *("--certificate", self._memory / "receiver.crt"),
            *("--key", self._memory / "receiver.key", "--client-ca", self._memory / "story.crt"),
        )

    def sink(self, host: str) -> dict[str, str]:
        """Make a certificate for a host, and say how that reports."""
        self._certify(host)
        return {
            "kind": "https",
            "url": f"https://127.0.0.1:{self._port}/v1/events",
            "ca": str(self._memory / "story.crt"),
            "certificate": str(self._memory / f"{host}.crt"),
            "key": str(self._memory / f"{host}.key"),
        }

    def _certify(self, name: str, address: str = "") -> None:
        certificate, key = self._stage.authority.issue(f"{name}.example", address)
        (self._memory / f"{name}.crt").write_text(certificate)
        private(self._memory / f"{name}.key", key)

    def known(self) -> set[str]:
        """Give what it holds to be open or not changed, by identity."""
        hosts = self._asked("hosts", "--format", "json")
        rows = [self._asked("show", "--host", host["id"])["findings"] for host in hosts]
        return {one["identity"] for row in rows for one in row}

    def _asked(self, *words: str) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self._stage.quietly("collect", *words, "--state", self._state))

    def report(self, page: Path) -> None:
        """Write what it knows as a page."""
        self._stage.hygiene("collect", "report", "--state", self._state, "--output", page)


def _is_well(address: str, ca: Path) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{address}/v1/sys/health", verify=str(ca), timeout=5).ok
    return False
