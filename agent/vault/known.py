"""Read the secrets that leaks are compared with: each version once, then only its number. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.vault import holding, kv, lease
from agent.vault.errors import VaultError, Why
from agent.vault.holding import Holding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.keysettings import KnownSecret
    from agent.vault.holding import Version
    from agent.vault.session import Session
    from checks.redact import FingerprintKey

_MOST: Final = 10
"""Versions of a secret that are read, the newest: as many as Vault keeps if not told otherwise."""


class Known:
    """All secrets of a host's list."""

    def __init__(
        self, settings: Sequence[KnownSecret], session: Session, host: str, key: FingerprintKey
    ) -> None:
        """Keep what to read; Vault is first asked by `turn`."""
        self._secrets = [_Secret(one, session, host, key) for one in settings]
        self.holdings: tuple[Holding, ...] = ()
        """What is known by now; another thread may read it."""
        self.whole = not self._secrets
        """Every secret was read since the start."""
        self.fault = ""
        """What Vault does not let us read, "" for nothing."""

    def turn(self, now: float) -> None:
        """Look at the secrets that are due."""
        due = [one for one in self._secrets if one.due <= now]
        for one in due:
            one.look(now)
        if due:
            self.holdings = tuple(one.holding for one in self._secrets if one.holding)
            self.whole = all(one.holding for one in self._secrets)
            self.fault = "; ".join(one.fault for one in self._secrets if one.fault)

    def hurry(self) -> None:
        """Look at every secret at the next turn."""
        for one in self._secrets:
            one.due = 0.0


class _Secret:
    """One secret of the KV engine."""

    def __init__(
        self, settings: KnownSecret, session: Session, host: str, key: FingerprintKey
    ) -> None:
        self._settings, self._session, self._host, self._key = settings, session, host, key
        self._place = f"{settings.mount}/{settings.path}"
        self._failures = 0
        self.due = 0.0
        self.fault = ""
        self.holding: Holding | None = None

    def look(self, now: float) -> None:
        """Look which versions there are, and read those that are new; what fails is tried again."""
        try:
            self.holding = self._read(now)
        except VaultError as error:
            self._failures += 1
            self.fault = f"{self._place}: {error}"
            self.due = lease.again(self._host, self._place, self._failures, now, error.after)
            return
        self._failures, self.fault = 0, ""
        self.due = lease.look(self._host, self._place, self._settings.poll, now)

    def _read(self, now: float) -> Holding:
        """Give what there is by now; raises VaultError."""
        mount, path = self._settings.mount, self._settings.path
        told = kv.versions(self._session, mount, path)
        known = self.holding.versions if self.holding else {}
        there: dict[int, Version] = {}
        for number in range(told.current_version, max(told.current_version - _MOST, 0), -1):
            one = told.versions.get(str(number))
            if one is None or one.gone(now):
                continue
            there[number] = known.get(number) or self._version(number)
        return Holding(self._place, told.current_version, there)

    def _version(self, number: int) -> Version:
        try:
            fields = kv.content(self._session, self._settings.mount, self._settings.path, number)
        except VaultError as error:
            if error.why is not Why.ABSENT:  # which it may have become since
                raise
            fields = {}
        return holding.version(fields, self._key)
