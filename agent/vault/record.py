"""What is kept of a key on the disk: numbers and hashes, never a secret. Pure."""

from __future__ import annotations

import enum

import msgspec


class State(enum.StrEnum):
    """How far a key is."""

    NONE = "none"
    """Nothing was got yet."""
    SERVED = "served"
    """It was delivered, and proven where somebody can be asked."""
    KEPT = "kept"
    """The one before is served on, since the next one could not be."""
    FAILED = "failed"
    """Nothing is served."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One key. Times: seconds since 1970 in UTC, 0 for never.

    source: a hash of the settings that say where it is from; version: as Vault counts; sha256: of
    the certificate in hex, "" for values; good from `begins` to `ends` (0: nothing says); got,
    proven: when; due: when Vault is asked next; failures: in a row; fault, why: the check id and
    the words of what is wrong, "" for nothing.
    """

    name: str
    state: State = State.NONE
    source: str = ""
    version: str = ""
    sha256: str = ""
    begins: float = 0
    ends: float = 0
    got: float = 0
    proven: float = 0
    due: float = 0
    failures: int = 0
    fault: str = ""
    why: str = ""
