"""Verify the checksum of Bech32 (BIP 173), in which age writes its identities."""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def checksum(prefix: str, values: list[int]) -> int:
    """Give the 30-bit remainder of a lower-case prefix and 5-bit values; 1 when they are whole."""
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    remainder = 1
    for value in expanded + values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            remainder ^= term if top >> bit & 1 else 0
    return remainder


def holds(text: str) -> bool:
    """Say whether a text of one case is a prefix, "1" and data that end in a right checksum."""
    folded = text.lower()
    prefix, _, data = folded.rpartition("1")
    if not prefix or text not in {folded, text.upper()} or set(data) - set(ALPHABET):
        return False
    return checksum(prefix, [ALPHABET.index(c) for c in data]) == 1
