"""Protect and open the records of TLS 1.0 to 1.2: AES in CBC, GCM and CCM, and ChaCha20. Sans I/O.

RFC 5246 6.2.3, RFC 2246 and 4346 for the versions before it, RFC 5288 (GCM), RFC 6655 (CCM), RFC
7905 (ChaCha20), RFC 7366 (encrypt-then-MAC).
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from checks.tls import suites
from checks.tls.numbers import Version
from checks.tls.wire import WireError, number, vector

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from checks.tls.suites import Suite

    Random = Callable[[int], bytes]
    """Gives so many fresh bytes."""
    Head = Callable[[int], bytes]
    """Gives what is authenticated in front of a content of so many bytes."""

_BLOCK: Final = 16
_NONCE: Final = 12
_SALT: Final = 4
"""Bytes of a nonce of GCM and CCM that the handshake gives; each record carries the others."""
_PLACE: Final = 8
_KEYS: Final = {"AES_128": 16, "AES_256": 32, "CHACHA20": 32}
_MACS: Final = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}
_AGREEMENTS: Final = {("ECDHE", "RSA"), ("ECDHE", "ECDSA"), ("DHE", "RSA"), ("RSA", "RSA")}


class Protection(NamedTuple):
    """What was agreed about records. mac_last: encrypt, then MAC."""

    version: Version
    suite: Suite
    mac_last: bool = False

    @property
    def mac(self) -> str:
        """The digest of the MAC, "" where the cipher authenticates by itself."""
        return _MACS[self.suite.name.rpartition("_")[2]] if self.suite.is_cbc else ""

    @property
    def sizes(self) -> tuple[int, int, int]:
        """The bytes of the MAC's key, of the cipher's, and of what initialises the cipher."""
        key = next(size for name, size in _KEYS.items() if self.suite.cipher.startswith(name))
        if self.mac:
            chained = self.version is Version.TLS10
            return hashlib.new(self.mac).digest_size, key, _BLOCK if chained else 0
        return 0, key, _SALT if self.suite.cipher.startswith("AES") else _NONCE


def can_read(suite: Suite) -> bool:
    """Say whether sessions of a suite can be read here."""
    known = any(suite.cipher.startswith(f"{name}_") for name in _KEYS)
    return known and (suite.exchange, suite.authentication) in _AGREEMENTS


@cache
def readable(version: Version) -> tuple[int, ...]:
    """Give the suites of a version whose sessions can be read here, the best first."""
    found = [one for one in suites.known().values() if one.fits(version) and can_read(one)]
    return tuple(one.code for one in sorted(found, key=_worse))


def _worse(suite: Suite) -> tuple[bool, bool, bool, int]:
    return suite.exchange != "ECDHE", suite.exchange != "DHE", suite.is_cbc, suite.code


class Direction:
    """Protects, or opens, the records of one direction."""

    def __init__(self, agreed: Protection, keys: Sequence[bytes], random: Random) -> None:
        """Take keys of `Protection.sizes`."""
        self._agreed = agreed
        self._cipher = _Cbc(agreed, keys, random) if agreed.mac else _Aead(agreed, keys)
        self._count = 0

    def seal(self, kind: int, content: bytes) -> bytes:
        """Give a whole record with CONTENT of a content type."""
        body = self._cipher.seal(self._head(kind), content)
        return number(kind, 1) + number(self._agreed.version, 2) + vector(body, 2)

    def open(self, kind: int, body: bytes) -> bytes:
        """Give the content of a record; raises WireError for a forged one."""
        try:
            return self._cipher.open(self._head(kind), body)
        except (InvalidTag, ValueError):
            raise WireError("record: does not open with the agreed key") from None

    def _head(self, kind: int) -> Head:
        self._count += 1
        head = number(self._count - 1, _PLACE) + number(kind, 1) + number(self._agreed.version, 2)
        return lambda size: head + number(size, 2)


class _Aead:
    """A cipher that authenticates by itself; `open` raises InvalidTag or ValueError."""

    def __init__(self, agreed: Protection, keys: Sequence[bytes]) -> None:
        _, key, self._salt = keys
        cipher = agreed.suite.cipher
        self._tag = 8 if cipher.endswith("_CCM_8") else 16
        self._cipher: AESCCM | AESGCM | ChaCha20Poly1305
        if "_CCM" in cipher:
            self._cipher = AESCCM(key, self._tag)
        else:
            self._cipher = ChaCha20Poly1305(key) if cipher.startswith("CHACHA20") else AESGCM(key)

    def _nonce(self, explicit: bytes, head: bytes) -> bytes:
        if len(self._salt) + len(explicit) == _NONCE and explicit:
            return self._salt + explicit
        mask = int.from_bytes(self._salt, "big")
        return (mask ^ int.from_bytes(head[:_PLACE], "big")).to_bytes(_NONCE, "big")

    def seal(self, head: Head, content: bytes) -> bytes:
        said = head(len(content))
        explicit = said[: _NONCE - len(self._salt)]
        return explicit + self._cipher.encrypt(self._nonce(explicit, said), content, said)

    def open(self, head: Head, body: bytes) -> bytes:
        at = _NONCE - len(self._salt)
        said = head(max(0, len(body) - at - self._tag))
        return self._cipher.decrypt(self._nonce(body[:at], said), body[at:], said)


class _Cbc:
    """AES in CBC mode with a MAC under it or over it; `open` raises ValueError."""

    def __init__(self, agreed: Protection, keys: Sequence[bytes], random: Random) -> None:
        self._mac, key, self._chain = keys
        self._aes = algorithms.AES(key)
        self._digest, self._mac_last = agreed.mac, agreed.mac_last
        self._random = random

    def seal(self, head: Head, content: bytes) -> bytes:
        if self._mac_last:
            body = self._encrypted(content)
            return body + self._code(head, body)
        return self._encrypted(content + self._code(head, content))

    def open(self, head: Head, body: bytes) -> bytes:
        if self._mac_last:
            return self._decrypted(self._checked(head, body))
        return self._checked(head, self._decrypted(body))

    def _code(self, head: Head, data: bytes) -> bytes:
        return hmac.digest(self._mac, head(len(data)) + data, self._digest)

    def _checked(self, head: Head, data: bytes) -> bytes:
        """Take the MAC away from behind data."""
        data, code = data[: -len(self._mac)], data[-len(self._mac) :]
        if not hmac.compare_digest(code, self._code(head, data)):
            raise ValueError("a wrong MAC")
        return data

    def _encrypted(self, content: bytes) -> bytes:
        fill = _BLOCK - len(content) % _BLOCK
        begin = self._chain or self._random(_BLOCK)
        cipher = Cipher(self._aes, modes.CBC(begin)).encryptor()
        body = cipher.update(content + bytes([fill - 1]) * fill) + cipher.finalize()
        if not self._chain:
            return begin + body
        self._chain = body[-_BLOCK:]  # TLS 1.0: the next record goes on where this one ends
        return body

    def _decrypted(self, body: bytes) -> bytes:
        begin, sealed = (self._chain, body) if self._chain else (body[:_BLOCK], body[_BLOCK:])
        cipher = Cipher(self._aes, modes.CBC(begin)).decryptor()
        plain = cipher.update(sealed) + cipher.finalize()
        self._chain = self._chain and sealed[-_BLOCK:]
        fill = plain[-1] + 1 if plain else 0
        if not 0 < fill <= len(plain) or plain[-fill:] != bytes([fill - 1]) * fill:
            raise ValueError("a wrong padding")
        return plain[:-fill]
