"""A dynamic secret, such as credentials of a database: it lives as long as its lease. EDGE."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from agent.vault.client import Told
from agent.vault.errors import VaultError, Why
from agent.vault.got import Got, values

if TYPE_CHECKING:
    from agent.keysettings import LeaseSource
    from agent.vault.session import Session

_SHORT: Final = 0.5
"""A renewal that gives less than this share of the first life: the lease's longest is near."""
_Life = Annotated[int, msgspec.Meta(ge=0, le=10**10)]


class _Leased(Told, frozen=True):
    lease_id: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    lease_duration: _Life
    data: dict[str, object]
    renewable: bool = False


class _Renewed(Told, frozen=True):
    lease_duration: _Life


class Dynamic:
    """One secret at a time, which ends with its lease, or with the token that asked for it.

    After another login there is another secret: the token before is not kept alive any more.
    """

    def __init__(self, settings: LeaseSource, session: Session) -> None:
        """Keep where it is made; Vault is first asked by `get`."""
        self._settings, self._session = settings, session
        self._held: _Leased | None = None
        self._logins, self._since, self._life = 0, 0.0, 0

    def get(self, known: str, now: float) -> Got | None:
        """Renew the lease that is held, if KNOWN is that one; get another where that is over.

        One that could not be delivered yet is given again. Raises VaultError, MaterialError.
        """
        held, same = self._held, self._logins == self._session.logins
        if held and same and _named(held) != known and 0 <= now - self._since < self._life / 2:
            return self._got(held)
        if held and same and _named(held) == known and self._renewed(held, now):
            return self._got(held)
        path = self._settings.path
        self._held = held = self._session.ask(_Leased, lambda vault: vault.read(path))
        self._logins, self._since, self._life = self._session.logins, now, held.lease_duration
        return self._got(held)

    def anew(self) -> None:
        """Let go of the lease that is held, which ends by itself: somebody may still use it."""
        self._held = None

    def release(self) -> None:
        """Have Vault end the secret now; raises VaultError."""
        held, self._held = self._held, None
        if held:
            self._session.tell(lambda vault: vault.sys.revoke_lease(held.lease_id))

    def _renewed(self, held: _Leased, now: float) -> bool:
        """Have it live longer; say whether it does. Raises VaultError."""
        if not held.renewable:
            return False
        try:
            told = self._session.ask(
                _Renewed,
                lambda vault: vault.sys.renew_lease(held.lease_id, increment=held.lease_duration),
            )
        except VaultError as error:
            if error.why in {Why.DENIED, Why.ABSENT}:
                return False
            raise
        self._since, self._life = now, told.lease_duration
        return told.lease_duration >= held.lease_duration * _SHORT

    def _got(self, held: _Leased) -> Got:
        what = values(held.data, self._settings.fields)
        return Got(what, _named(held), self._since, self._since + self._life)


def _named(held: _Leased) -> str:
    """Name a lease; its id would let others end it."""
    return hashlib.sha256(held.lease_id.encode()).hexdigest()[:16]
