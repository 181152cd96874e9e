"""Put a secret into Vault where there is none, and read it back; as a person, not the keeper. EDGE.

Check-and-set keeps Vault itself from writing over what is there. What is there already and is the
same is taken for stored, so that what was cut off can be done again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from agent.vault.client import Client, Told
from agent.vault.errors import VaultError, Why
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.keysettings import VaultSettings

_PLACE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.\-]*)/([A-Za-z0-9][A-Za-z0-9_.@/\-]{0,400})")


class StoreError(HygieneError):
    """What could not be stored, or is not what was stored."""


class Place(NamedTuple):
    """A mount of the KV engine, version 2, and a path in it; as text MOUNT/PATH."""

    mount: str
    path: str

    def __str__(self) -> str:
        """Give what `place` reads."""
        return f"{self.mount}/{self.path}"


def place(text: str) -> Place:
    """Read MOUNT/PATH; raises StoreError."""
    found = _PLACE.fullmatch(text)
    if found is None or text.endswith("/") or "//" in text:
        raise StoreError("--to: expected MOUNT/PATH, such as secret/web/tls")
    return Place(found[1], found[2])


class _Number(Told, frozen=True):
    version: int


class _Stored(Told, frozen=True):
    data: _Number


class _Secret(Told, frozen=True):
    data: dict[str, object]
    metadata: _Number


class _Answer(Told, frozen=True):
    data: _Secret


class Store:
    """A Vault, and a person's token for it."""

    def __init__(self, settings: VaultSettings, token: str) -> None:
        """Keep where to go; no login of the keeper's is taken. Raises VaultError."""
        plain = msgspec.structs.replace(settings, login=None, certificate="", key="")
        self._client, self._token = Client(plain), token

    def put(self, where: Place, fields: Mapping[str, str]) -> int:
        """Store it, and read it back; gives its version. Raises VaultError, StoreError."""
        try:
            version = self._made(where, fields)
        except VaultError as error:
            if error.why is not Why.DENIED or not self._holds(where, fields, 0):
                raise
            return self._newest(where).metadata.version
        if not self._holds(where, fields, version):
            raise StoreError(f"{where}: what was read back is not what was stored")
        return version

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _made(self, where: Place, fields: Mapping[str, str]) -> int:
        told = self._client.ask(
            _Stored,
            lambda vault: vault.secrets.kv.v2.create_or_update_secret(
                where.path, dict(fields), cas=0, mount_point=where.mount
            ),
            self._token,
        )
        return told.data.version

    def _newest(self, where: Place, version: int = 0) -> _Secret:
        return self._client.ask(
            _Answer,
            lambda vault: vault.secrets.kv.v2.read_secret_version(
                where.path,
                version=version or None,
                mount_point=where.mount,
                raise_on_deleted_version=True,
            ),
            self._token,
        ).data

    def _holds(self, where: Place, fields: Mapping[str, str], version: int) -> bool:
        """Say whether it is there; of what was refused that is no more than a question."""
        try:
            found = self._newest(where, version)
        except VaultError:
            if version:
                raise
            return False
        return hmac.compare_digest(_digest(found.data), _digest(fields))


def _digest(fields: Mapping[str, object]) -> bytes:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()
