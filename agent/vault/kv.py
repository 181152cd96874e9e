"""Secrets of the KV engine, version 2: looked up, read, stored; and one as a key's source. EDGE."""

from __future__ import annotations

import datetime
import math
from typing import TYPE_CHECKING, Protocol, TypeVar

from agent.vault.client import Told
from agent.vault.errors import VaultError, Why
from agent.vault.got import Got, chosen
from agent.vault.material import Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.keysettings import KvSource
    from agent.vault.client import Question
    from agent.vault.session import Session

T = TypeVar("T")


class Asks(Protocol):
    """Who asks a Vault with a token of its own, such as a Session."""

    def ask(self, kind: type[T], question: Question) -> T:
        """Give the answer to a question as KIND; raises VaultError."""


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


class _Number(Told, frozen=True):
    version: int


class _Stored(Told, frozen=True):
    data: _Number


class Secret(Told, frozen=True):
    """The fields of a version of a secret, and which it is."""

    data: dict[str, object]
    metadata: _Number


class _SecretAnswer(Told, frozen=True):
    data: Secret


def versions(asks: Asks, mount: str, path: str) -> Versions:
    """Look up which versions of a secret there are; raises VaultError."""
    return asks.ask(
        _Metadata,
        lambda vault: vault.secrets.kv.v2.read_secret_metadata(path, mount_point=mount),
    ).data


def secret(asks: Asks, mount: str, path: str, version: int = 0) -> Secret:
    """Read a version of a secret, 0 for the newest; raises VaultError."""
    return asks.ask(
        _SecretAnswer,
        lambda vault: vault.secrets.kv.v2.read_secret_version(
            path, version=version or None, mount_point=mount, raise_on_deleted_version=True
        ),
    ).data


def content(asks: Asks, mount: str, path: str, version: int) -> dict[str, object]:
    """Give the fields of a version of a secret, and of no other one; raises VaultError."""
    told = secret(asks, mount, path, version)
    if told.metadata.version != version:
        text = f"{mount}/{path}: another version than {version} was answered"
        raise VaultError(Why.BROKEN, text)
    return told.data


def create(asks: Asks, mount: str, path: str, fields: Mapping[str, str]) -> int:
    """Store a secret where none ever was, by check-and-set; gives its version.

    Raises VaultError, DENIED where one is there.
    """
    return asks.ask(
        _Stored,
        lambda vault: vault.secrets.kv.v2.create_or_update_secret(
            path, dict(fields), cas=0, mount_point=mount
        ),
    ).data.version


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
