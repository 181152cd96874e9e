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


class Version(Told, frozen=True):
    """What is told of one version. deletion_time: "" for never; it may be in the future."""

    deletion_time: str = ""
    destroyed: bool = False
    version: int = 0

    def gone(self, now: float) -> str:
        """Say what became of it, "" while it is there."""
        if self.destroyed:
            return "destroyed"
        return "deleted" if self.deletion_time and _moment(self.deletion_time) <= now else ""


class Versions(Told, frozen=True):
    """Which versions there are, by their numbers as texts."""

    current_version: int
    versions: dict[str, Version]


class _Metadata(Told, frozen=True):
    data: Versions


class _Secret(Told, frozen=True):
    data: dict[str, object]
    metadata: Version


class _SecretAnswer(Told, frozen=True):
    data: _Secret


def versions(session: Session, mount: str, path: str) -> Versions:
    """Look up which versions of a secret there are; raises VaultError."""
    return session.ask(
        _Metadata,
        lambda vault: vault.secrets.kv.v2.read_secret_metadata(path, mount_point=mount),
    ).data


def content(session: Session, mount: str, path: str, version: int) -> dict[str, object]:
    """Give the fields of a version of a secret; raises VaultError."""
    told = session.ask(
        _SecretAnswer,
        lambda vault: vault.secrets.kv.v2.read_secret_version(
            path, version=version, mount_point=mount, raise_on_deleted_version=True
        ),
    ).data
    if told.metadata.version != version:
        text = f"{mount}/{path}: another version than {version} was answered"
        raise VaultError(Why.BROKEN, text)
    return told.data


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
        told = content(self._session, settings.mount, settings.path, version)
        what = chosen(told, settings.fields)
        if isinstance(what, Values):
            return Got(what, str(version), now, math.inf)
        return Got(what, str(version), what.begins, what.ends)

    def anew(self) -> None:
        """Do nothing: who wants another one puts it there."""

    def release(self) -> None:
        """Do nothing: the secret is there for others too."""

    def __str__(self) -> str:
        """Name the secret."""
        return f"{self._settings.mount}/{self._settings.path}"

    def _newest(self, now: float) -> int:
        """Give the number of the newest version, by the metadata alone; raises VaultError."""
        told = versions(self._session, self._settings.mount, self._settings.path)
        number = told.current_version
        found = told.versions.get(str(number))
        if found is None:
            raise VaultError(Why.ABSENT, f"{self}: has no version")
        if what := found.gone(now):
            raise VaultError(Why.ABSENT, f"{self}: version {number} was {what}")
        return number


def _moment(told: str) -> float:
    """Read a time of Vault's; one that cannot be read has come."""
    try:
        return datetime.datetime.fromisoformat(told).timestamp()
    except (ValueError, OverflowError):
        return -math.inf
