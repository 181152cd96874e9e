"""A secret of the KV engine, version 2: its number is looked up, its content when new. EDGE."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING

from agent.vault.client import Told
from agent.vault.errors import VaultError, Why
from agent.vault.got import Got, chosen
from agent.vault.material import Values

if TYPE_CHECKING:
    from agent.keysettings import KvSource
    from agent.vault.session import Session


class _Version(Told, frozen=True):
    """What is told of one version. deletion_time: "" for never; it may be in the future."""

    deletion_time: str = ""
    destroyed: bool = False
    version: int = 0


class _Versions(Told, frozen=True):
    current_version: int
    versions: dict[str, _Version]


class _Metadata(Told, frozen=True):
    data: _Versions


class _Secret(Told, frozen=True):
    data: dict[str, object]
    metadata: _Version


class _SecretAnswer(Told, frozen=True):
    data: _Secret


class Kv:
    """One secret."""

    def __init__(self, settings: KvSource, session: Session) -> None:
        """Keep where it is; Vault is first asked by `get`."""
        self._settings, self._session = settings, session

    def get(self, known: str, now: float) -> Got | None:
        """Give the newest version, unless KNOWN is it; raises VaultError, MaterialError."""
        version = self._newest(now)
        if str(version) == known:
            return None
        settings = self._settings
        told = self._session.ask(
            _SecretAnswer,
            lambda vault: vault.secrets.kv.v2.read_secret_version(
                settings.path,
                version=version,
                mount_point=settings.mount,
                raise_on_deleted_version=True,
            ),
        ).data
        if told.metadata.version != version:
            raise VaultError(Why.BROKEN, f"{self}: another version than {version} was answered")
        what = chosen(told.data, settings.fields)
        if isinstance(what, Values):
            return Got(what, str(version), now, math.inf)
        return Got(what, str(version), what.begins, what.ends)

    def release(self) -> None:
        """Do nothing: the secret is there for others too."""

    def __str__(self) -> str:
        """Name the secret."""
        return f"{self._settings.mount}/{self._settings.path}"

    def _newest(self, now: float) -> int:
        """Give the number of the newest version, by the metadata alone; raises VaultError."""
        settings = self._settings
        told = self._session.ask(
            _Metadata,
            lambda vault: vault.secrets.kv.v2.read_secret_metadata(
                settings.path, mount_point=settings.mount
            ),
        ).data
        number = told.current_version
        found = told.versions.get(str(number))
        if found is None:
            raise VaultError(Why.ABSENT, f"{self}: has no version")
        if found.destroyed:
            raise VaultError(Why.ABSENT, f"{self}: version {number} was destroyed")
        if found.deletion_time and _moment(found.deletion_time) <= now:
            raise VaultError(Why.ABSENT, f"{self}: version {number} was deleted")
        return number


def _moment(told: str) -> float:
    """Read a time of Vault's; one that cannot be read has come."""
    try:
        return datetime.datetime.fromisoformat(told).timestamp()
    except (ValueError, OverflowError):
        return -math.inf
