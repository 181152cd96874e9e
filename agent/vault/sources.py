"""Where a key comes from in Vault: a kept secret, a certificate made now, or a lease. EDGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent.keysettings import KvSource, LeaseSource, PkiSource
from agent.vault.dynamic import Dynamic
from agent.vault.kv import Kv
from agent.vault.pki import Pki

if TYPE_CHECKING:
    from agent.vault.got import Got
    from agent.vault.session import Session


class Source(Protocol):
    """A source of one key."""

    def get(self, known: str, now: float) -> Got | None:
        """Give what there is to have; None: the version KNOWN is still the newest.

        A lease that was renewed has the version KNOWN and a later end. Raises VaultError, and
        MaterialError for what is no key or certificate.
        """

    def anew(self) -> None:
        """Have the next `get` give another one, also where the one before is still good."""

    def release(self) -> None:
        """Give back what would otherwise live on in Vault; raises VaultError."""


def source(settings: KvSource | PkiSource | LeaseSource, session: Session) -> Source:
    """Give the source that the settings name; Vault is first asked by `get`."""
    match settings:
        case KvSource():
            return Kv(settings, session)
        case PkiSource():
            return Pki(settings, session)
        case LeaseSource():
            return Dynamic(settings, session)
