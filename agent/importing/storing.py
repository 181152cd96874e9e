"""Put a secret into Vault where there is none, and read it back; as a person, not the keeper. EDGE.

Check-and-set keeps Vault itself from writing over what is there. What is there already and is the
same is taken for stored, so that what was cut off can be done again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from agent.vault import kv
from agent.vault.client import Client
from agent.vault.errors import VaultError, Why
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.keysettings import VaultSettings
    from agent.vault.client import Question

T = TypeVar("T")
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


class Store:
    """A Vault, and a person's token for it."""

    def __init__(self, settings: VaultSettings, token: str) -> None:
        """Keep where to go; no login of the keeper's is taken. Raises VaultError."""
        plain = msgspec.structs.replace(settings, login=None, certificate="", key="")
        self._client, self._token = Client(plain), token

    def put(self, where: Place, fields: Mapping[str, str]) -> int:
        """Store it, and read it back; gives its version. Raises VaultError, StoreError."""
        try:
            version = kv.create(self, where.mount, where.path, fields)
        except VaultError as error:
            if error.why is not Why.DENIED or not self._holds(where, fields, 0):
                raise
            return kv.secret(self, where.mount, where.path).metadata.version
        if not self._holds(where, fields, version):
            raise StoreError(f"{where}: what was read back is not what was stored")
        return version

    def ask(self, kind: type[T], question: Question) -> T:
        """Give the answer to a question as KIND, with the person's token; raises VaultError."""
        return self._client.ask(kind, question, self._token)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _holds(self, where: Place, fields: Mapping[str, str], version: int) -> bool:
        """Say whether it is there; of what was refused that is no more than a question."""
        try:
            found = kv.secret(self, where.mount, where.path, version)
        except VaultError:
            if version:
                raise
            return False
        return hmac.compare_digest(_digest(found.data), _digest(fields))


def _digest(fields: Mapping[str, object]) -> bytes:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).digest()
