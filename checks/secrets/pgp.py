"""Read OpenPGP secret keys (RFC 9580) to tell their kind and whether they are protected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from checks.errors import FormatError
from checks.secrets.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECRET: Final = frozenset((5, 7))
_MOST: Final = 1000

_KINDS: Final = {
    **dict.fromkeys((1, 2, 3), "rsa"), **dict.fromkeys((16, 20), "elgamal"), 17: "dsa",
    18: "ec", 19: "ec", 22: "ed25519", 25: "x25519", 26: "x448", 27: "ed25519", 28: "ed448",
}  # fmt: skip
_MPIS: Final = {1: 2, 2: 2, 3: 2, 16: 3, 17: 4, 20: 3}
_NATIVE: Final = {25: 32, 26: 56, 27: 32, 28: 57}
_CURVES: Final = {
    "2a8648ce3d030107": ("secp256r1", 256), "2b81040022": ("secp384r1", 384),
    "2b81040023": ("secp521r1", 521), "2b2403030208010107": ("brainpoolP256r1", 256),
    "2b240303020801010b": ("brainpoolP384r1", 384), "2b240303020801010d": ("brainpoolP512r1", 512),
    "2b06010401da470f01": ("ed25519", 256), "2b060104019755010501": ("curve25519", 256),
    "2b8104000a": ("secp256k1", 256),
}  # fmt: skip


class PgpKey(NamedTuple):
    """One secret key or subkey; stub: the secret part is elsewhere (a card, an offline primary)."""

    kind: str
    bits: int
    curve: str
    encrypted: bool
    kdf: str
    weak_kdf: bool
    stub: bool


def read(body: bytes) -> tuple[PgpKey, ...]:
    """Give the secret keys of a key block or ring; raises FormatError when it is none.

    A packet that is cut off ends the reading; the keys before it are given.
    """
    found: list[PgpKey] = []
    try:
        for tag, packet in _packets(body):
            if tag in _SECRET:
                found.append(_key(Cursor(packet)))
    except FormatError:
        if not found:
            raise
    return tuple(found)


def _packets(body: bytes) -> Iterator[tuple[int, bytes]]:
    cursor = Cursor(body)
    for _ in range(_MOST):
        if not cursor.left:
            return
        head = cursor.number(1)
        if not head & 0x80:
            raise FormatError("OpenPGP: not a packet")
        if head & 0x40:
            yield head & 0x3F, cursor.take(_new_length(cursor))
        else:
            kind = head & 3
            yield (
                head >> 2 & 15,
                cursor.take(cursor.left if kind == 3 else cursor.number(1 << kind)),
            )


def _new_length(cursor: Cursor) -> int:
    first = cursor.number(1)
    if first < 192:
        return first
    if first < 224:
        return (first - 192 << 8) + cursor.number(1) + 192
    if first == 255:
        return cursor.number(4)
    raise FormatError("OpenPGP: a key packet has no partial length")


def _key(cursor: Cursor) -> PgpKey:
    version = cursor.number(1)
    if version not in {3, 4, 5, 6}:
        raise FormatError("OpenPGP: an unknown key version")
    cursor.take(6 if version == 3 else 4)
    algorithm = cursor.number(1)
    if version > 4:
        cursor.take(4)
    bits, curve = _public(cursor, algorithm)
    encrypted, kdf, weak, stub = _protection(cursor, version)
    return PgpKey(_KINDS.get(algorithm, "other"), bits, curve, encrypted, kdf, weak, stub)


def _public(cursor: Cursor, algorithm: int) -> tuple[int, str]:
    """Pass over the public numbers; give the size in bits and the curve."""
    if algorithm in _NATIVE:
        cursor.take(_NATIVE[algorithm])
        return _NATIVE[algorithm] * 8, ""
    if algorithm in _MPIS:
        sizes = [_mpi(cursor) for _ in range(_MPIS[algorithm])]
        return sizes[0], ""
    if algorithm not in {18, 19, 22}:
        raise FormatError("OpenPGP: an unknown key algorithm")
    curve, bits = _CURVES.get(cursor.string(1).hex(), ("", 0))
    _mpi(cursor)
    if algorithm == 18:
        cursor.string(1)
    return bits, curve


def _mpi(cursor: Cursor) -> int:
    bits = cursor.number(2)
    cursor.take((bits + 7) // 8)
    return bits


def _protection(cursor: Cursor, version: int) -> tuple[bool, str, bool, bool]:
    """Give (encrypted, derivation, is it weak, is there no secret part) (RFC 9580 3.7.2)."""
    usage = cursor.number(1)
    if usage == 0:
        return False, "", False, False
    if usage < 253:
        return True, "md5 1", True, False
    if version > 4:
        cursor.take(1)
    cursor.take(2 if usage == 253 else 1)
    if version == 6:
        cursor.take(1)
    kind, digest = cursor.number(1), cursor.number(1)
    if kind == 101 and cursor.take(3) == b"GNU":
        return True, "", False, True
    if kind == 4:
        return True, "argon2", False, False
    if kind == 3:
        cursor.take(8)
        coded = cursor.number(1)
        # RFC 9580 3.7.1.3: how many bytes are hashed.
        count = 16 + (coded & 15) << (coded >> 4) + 6
        return True, f"s2k {count}", digest == 1 or count < 65536, False
    return True, "s2k 1", True, False
