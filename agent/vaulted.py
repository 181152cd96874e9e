"""Which private keys Vault holds, as the keeper lets the watcher know: public halves only. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

FILE: Final = "vaulted"
"""The name of the snapshot."""


class VaultedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key in a version of a secret. place: "secret/web"; spki: SHA-256 of its public half, hex.

    version: the newest that has it; newest: the newest there is.
    """

    spki: str
    place: str
    version: int
    newest: int

    def __str__(self) -> str:
        """Name it as findings do."""
        return named(self.place, self.version, self.newest)


class Vaulted(msgspec.Struct, frozen=True):
    """All of them."""

    keys: tuple[VaultedKey, ...] = ()


def named(place: str, version: int, newest: int) -> str:
    """Name a version: "secret/web version 3, the newest", "secret/web version 3 of 5"."""
    return f"{place} version {version}" + (", the newest" if version == newest else f" of {newest}")
