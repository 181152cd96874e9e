"""What the watcher lets the keeper know of leaks and keys: fingerprints and places. Pure.

The keeper compares it with what Vault holds. It holds no value, and fingerprints only under the
key of `agent.comparekey`.
"""

from __future__ import annotations

from typing import Final

import msgspec

FILE: Final = "found"
"""The name of the snapshot."""


class Leak(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that stands somewhere, or stood. identity: of its finding; mark: its fingerprint."""

    identity: str
    mark: str
    path: str
    line: int = 0
    key_path: str = ""
    removed: bool = False


class ServedKey(msgspec.Struct, frozen=True):
    """A file with a private key that a server of this host serves. spki: of its public half."""

    path: str
    spki: str


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of it. key: the id of what `mark`s were made with.

    removed: the identities of all leaks that were taken away and not changed yet; whole: no file is
    still to be looked at.
    """

    key: str
    leaks: tuple[Leak, ...] = ()
    removed: tuple[str, ...] = ()
    keys: tuple[ServedKey, ...] = ()
    whole: bool = False
