"""Derive keys from passwords and decrypt, as PKCS #12 does (RFC 7292 appendix B, RFC 8018)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, NamedTuple

from checks.errors import FormatError
from checks.secrets import costs, crypto, der

KEY: Final = 1
IV: Final = 2
MAC: Final = 3
_LONGEST_SALT: Final = 1024

DIGESTS: Final = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
}
_PRFS: Final = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
_AES: Final = {
    "2.16.840.1.101.3.4.1.2": 16,
    "2.16.840.1.101.3.4.1.22": 24,
    "2.16.840.1.101.3.4.1.42": 32,
}
_PBE_SHA1_3DES: Final = "1.2.840.113549.1.12.1.3"
_DES3: Final = "1.2.840.113549.3.7"


def bmp(password: str) -> bytes:
    """Encode a password as RFC 7292 B.1 wants it: UTF-16 with two zero bytes at the end."""
    return password.encode("utf-16-be") + b"\0\0"


class Derivation(NamedTuple):
    """What RFC 7292 B.2 derives from: an encoded password, salt, iterations and digest."""

    password: bytes
    salt: bytes
    rounds: int
    digest: str

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"<Derivation {self.digest} {self.rounds}>"

    def give(self, purpose: int, size: int) -> bytes:
        """Give SIZE bytes for KEY, IV or MAC; raises FormatError if that were expensive."""
        if not costs.iterated("pkcs12", self.rounds).cheap or len(self.salt) > _LONGEST_SALT:
            raise FormatError("PKCS #12: the derivation is too expensive to try")
        width = hashlib.new(self.digest, usedforsecurity=False).block_size
        state = _filled(self.salt, width) + _filled(self.password, width)
        output = b""
        while len(output) < size:
            block = bytes((purpose,)) * width + state
            for _ in range(self.rounds):
                block = hashlib.new(self.digest, block, usedforsecurity=False).digest()
            output += block
            state = _advanced(state, _filled(block, width)[:width], width)
        return output[:size]


def _filled(text: bytes, width: int) -> bytes:
    """Repeat a text to the next multiple of WIDTH."""
    size = -(-len(text) // width) * width
    return (text * (size // len(text) + 1))[:size] if text else b""


def _advanced(state: bytes, block: bytes, width: int) -> bytes:
    """Add BLOCK + 1 to every part of the state."""
    step = int.from_bytes(block, "big") + 1
    parts = (state[at : at + width] for at in range(0, len(state), width))
    return b"".join(
        ((int.from_bytes(part, "big") + step) % (1 << 8 * width)).to_bytes(width, "big")
        for part in parts
    )


def authenticates(password: bytes, data: bytes, mac: der.Node) -> bool:
    """Say whether MacData of PFX is right for the data; raises FormatError."""
    fields = mac.children
    if len(fields) < 2 or len(fields[0].children) != 2:
        raise FormatError("PKCS #12: the MAC is not well formed")
    algorithm, expected = fields[0].children
    digest = DIGESTS.get(algorithm.children[0].oid if algorithm.children else "")
    if digest is None:
        raise FormatError("PKCS #12: a MAC of another kind")
    count = fields[2].number if len(fields) > 2 else 1
    size = hashlib.new(digest, usedforsecurity=False).digest_size
    key = Derivation(password, fields[1].octets, count, digest).give(MAC, size)
    return hmac.compare_digest(hmac.digest(key, data, digest), expected.octets)


def decrypt(algorithm: der.Node, data: bytes, password: str) -> bytes:
    """Decrypt PBES2 with PBKDF2 and AES or 3DES, or SHA-1 with 3DES; raises FormatError."""
    if not costs.of_algorithm(algorithm).cheap:
        raise FormatError("PKCS #12: the derivation is too expensive to try")
    name, parameters = algorithm.children[:2]
    if name.oid == costs.PBES2:
        return _unpadded(_pbes2(parameters, data, password))
    if name.oid != _PBE_SHA1_3DES:
        raise FormatError("PKCS #12: a cipher that is not read")
    salt, count = parameters.children[0].octets, parameters.children[1].number
    derivation = Derivation(bmp(password), salt, count, "sha1")
    key, iv = derivation.give(KEY, 24), derivation.give(IV, 8)
    return _unpadded(crypto.decrypt_cbc("3des", key, iv, data))


def _pbes2(parameters: der.Node, data: bytes, password: str) -> bytes:
    """Follow RFC 8018 A.4: a derivation and a cipher, each with parameters."""
    derivation, scheme = parameters.children[:2]
    if derivation.children[0].oid != costs.PBKDF2 or len(scheme.children) < 2:
        raise FormatError("PKCS #12: a derivation that is not read")
    values = derivation.children[1].children
    prfs = [value.children[0].oid for value in values[2:] if value.tag == der.SEQUENCE]
    digest = _PRFS.get(prfs[0], "") if prfs else "sha1"
    cipher, iv = scheme.children[0].oid, scheme.children[1].octets
    size = _AES.get(cipher, 24 if cipher == _DES3 else 0)
    if not size or not digest:
        raise FormatError("PKCS #12: a cipher that is not read")
    key = hashlib.pbkdf2_hmac(
        digest, password.encode(), values[0].octets, values[1].number, dklen=size
    )
    return crypto.decrypt_cbc("aes" if cipher in _AES else "3des", key, iv, data)


def _unpadded(data: bytes) -> bytes:
    """Take PKCS #7 padding off; raises FormatError when it is not there: the password is wrong."""
    pad = data[-1] if data else 0
    if not 0 < pad <= 16 or data[-pad:] != bytes((pad,)) * pad:
        raise FormatError("PKCS #12: the password does not open it")
    return data[:-pad]
