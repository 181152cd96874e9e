"""Search files for private keys, however they are written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Search:
    """Finds private keys in files, however they are written there."""

    forms: ClassVar = (
        (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8),
        (serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL),
        (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8),
        (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL),
    )

    def __init__(self) -> None:
        self._needles: set[bytes] = set()
        self.keys: set[str] = set()

    def add(self, text: str) -> None:
        """Look for the key of a text with one in PEM from now on."""
        begins = text.index("-----BEGIN")
        ends = text.index("-----END", begins)
        pem = text[begins : text.index("\n", ends) + 1] if "\n" in text[ends:] else text[begins:]
        if pem in self.keys:
            return
        self.keys.add(pem)
        key = serialization.load_pem_private_key(pem.encode(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        for encoding, form in self.forms:
            raw = key.private_bytes(encoding, form, serialization.NoEncryption())
            lines = raw.splitlines()[1:-1] if encoding is serialization.Encoding.PEM else [raw]
            # The last line of one may be a few signs that stand anywhere.
            self._needles |= {line for line in lines if len(line) >= 16}
        exponent = key.private_numbers().private_value.to_bytes(32)
        told = (exponent, exponent[::-1])
        self._needles |= {*told, *(one.hex().encode() for one in told)}
        self._needles |= {one.hex().upper().encode() for one in told}

    def found(self, *folders: Path) -> list[Path]:
        """Give the files below folders that have one."""
        return [path for folder in folders for path in _files(folder) if self._has(path)]

    def _has(self, path: Path) -> bool:
        try:
            return self.has(path.read_bytes())
        except OSError:  # it went away
            return False

    def has(self, data: bytes) -> bool:
        """Say whether there is a key in it."""
        return any(needle in data for needle in self._needles)


def _files(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
