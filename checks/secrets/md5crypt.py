"""Compute md5-crypt and Apache's variant of it, as FreeBSD 2 introduced them."""

from __future__ import annotations

import hashlib
from typing import Final

_ITOA64: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ROUNDS: Final = 1000
_TRIPLES: Final = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))


def compute(password: str, salt: str, magic: str) -> str:
    """Give the 22 characters after the salt; MAGIC is "$1$" or "$apr1$". Takes about 1 ms."""
    secret, salted = password.encode(), salt.encode()
    digest = _first(secret, salted, magic.encode())
    for number in range(_ROUNDS):
        block = b"".join(
            (
                secret if number & 1 else digest,
                salted if number % 3 else b"",
                secret if number % 7 else b"",
                digest if number & 1 else secret,
            )
        )
        digest = _md5(block)
    return _encode(digest)


def _first(secret: bytes, salt: bytes, magic: bytes) -> bytes:
    inner = _md5(secret + salt + secret)
    filler = (inner * (len(secret) // 16 + 1))[: len(secret)]
    # The historical code adds a zero byte for each set bit of the length, else the first letter.
    length, tail = len(secret), b""
    while length:
        tail += b"\0" if length & 1 else secret[:1]
        length >>= 1
    return _md5(secret + magic + salt + filler + tail)


def _encode(digest: bytes) -> str:
    text = ""
    for one, two, three in _TRIPLES:
        text += _letters(digest[one] << 16 | digest[two] << 8 | digest[three], 4)
    return text + _letters(digest[11], 2)


def _letters(number: int, count: int) -> str:
    return "".join(_ITOA64[number >> 6 * place & 63] for place in range(count))


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
