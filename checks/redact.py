"""Say something about a secret without repeating it: masks and keyed fingerprints."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from checks.model import Evidence, Fingerprint

_SHOWN: Final = 4
_LONG: Final = 20


class FingerprintKey:
    """A key for fingerprints; its `repr` shows the key's id only."""

    __slots__ = ("_key", "id")

    def __init__(self, key: bytes) -> None:
        """Take 32 bytes or more; raises ValueError for fewer."""
        if len(key) < 32:
            message = "fingerprint key: expected 32 bytes or more"
            raise ValueError(message)
        self._key = key
        self.id = hashlib.sha256(b"hygiene-agent key id\0" + key).hexdigest()[:8]

    def __repr__(self) -> str:
        """Name the key by its id."""
        return f"<FingerprintKey {self.id}>"

    def of(self, value: str) -> Fingerprint:
        """Give the fingerprint of a value: HMAC-SHA256, 32 hex digits of it."""
        digest = hmac.digest(self._key, value.encode("utf-8", "surrogateescape"), "sha256")
        return Fingerprint(self.id, digest.hex()[:32])


def mask(value: str, *, prefix: int = 0) -> str:
    """Hide a value; of a long token the first PREFIX characters, 4 at the most, stay readable."""
    shown = min(prefix, _SHOWN) if len(value) >= _LONG else 0
    return value[:shown] + "•" * 8


def shown(text: str) -> str:
    """Make a name from a hostile file safe to print: at most 80 characters, no control characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def evidence(value: str, keys: tuple[FingerprintKey, ...], *, prefix: int = 0) -> Evidence:
    """Describe a value by mask, length in characters and one fingerprint a key."""
    return Evidence(mask(value, prefix=prefix), len(value), tuple(key.of(value) for key in keys))
