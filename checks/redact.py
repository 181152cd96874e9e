"""Say something about a secret without repeating it: masks and keyed fingerprints."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from checks.guessable import is_guessable
from checks.lazy import regex
from checks.model import Evidence, Fingerprint

if TYPE_CHECKING:
    import re

_SHOWN: Final = 4
_LONG: Final = 20
_RUN: Final = regex(r"[A-Za-z0-9_+/=\-]{16,}")
"""What may be a token of its own within a name."""


class FingerprintKey:
    """A key for fingerprints; its `repr` shows the key's id only.

    careful: it is one that others compare by, and never used on what may be found by guessing.
    """

    __slots__ = ("_key", "careful", "id")

    def __init__(self, key: bytes, *, careful: bool = False) -> None:
        """Take 32 bytes or more; raises ValueError for fewer."""
        if len(key) < 32:
            message = "fingerprint key: expected 32 bytes or more"
            raise ValueError(message)
        self._key = key
        self.careful = careful
        self.id = hashlib.sha256(b"hygiene-agent key id\0" + key).hexdigest()[:8]

    def __repr__(self) -> str:
        """Name the key by its id."""
        return f"<FingerprintKey {self.id}>"

    def of(self, value: str) -> Fingerprint:
        """Give the fingerprint of a value: HMAC-SHA256, 32 hex digits of it."""
        digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256")
        return Fingerprint(self.id, digest.hex()[:32])


def mask(value: str, *, prefix: int = 0) -> str:
    """Hide a value; of a long token the first PREFIX characters, 4 at the most, stay readable."""
    shown = min(prefix, _SHOWN) if len(value) >= _LONG else 0
    return value[:shown] + "•" * 8


_KEY_NAME: Final = regex(r"[\w.\-/\[\]@*# ]*")


def shown(text: str) -> str:
    """Make a name from a hostile file safe to print: 80 characters, no controls, no tokens.

    A user or a key can itself be a secret that no rule knows; a random run in it is hidden.
    """
    clear = _RUN.sub(_hide_random, text[:1024])[:80]
    return "".join(c if c.isprintable() else "?" for c in clear)


def key_name(key: str) -> str:
    """Show of a key what can be a name; conditions, URLs and pairs may hold secrets."""
    found = _KEY_NAME.match(key)
    name = found[0] if found else ""
    return shown(name if name == key else name.rstrip() + "…")


def without(name: str, value: str) -> str:
    """Take a value out of a name; a short or common one would be told by its absence."""
    return name.replace(value, "•") if len(value) > 5 and not value.isalpha() else name


def _hide_random(found: re.Match[str]) -> str:
    run = found[0]
    digits = sum(c.isdigit() for c in run)
    mixed = digits > 2 and run.upper() != run != run.lower()
    return f"{run[:_SHOWN]}•" if mixed or (digits > 5 and len(run) >= 32) else run


def evidence(value: str, keys: tuple[FingerprintKey, ...], *, prefix: int = 0) -> Evidence:
    """Describe a value by mask, length in characters and one fingerprint a key."""
    used = [key for key in keys if not (key.careful and is_guessable(value))]
    return Evidence(mask(value, prefix=prefix), len(value), tuple(key.of(value) for key in used))
