"""Write a private key under a passphrase that takes long to guess: PKCS#8, PBES2, scrypt. Pure.

The library reads such keys but writes them with 2048 rounds of PBKDF2, which a thief of the file
tries at some hundred thousand passphrases a second. RFC 7914 7.1 has scrypt in PBES2 (RFC 8018).
"""

from __future__ import annotations

import base64
import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SALT: Final = 16
VECTOR: Final = 16
"""Bytes of chance that `encrypted` needs."""
_COST: Final = 1 << 17
_BLOCK: Final = 8
"""128 MiB and a third of a second for each guess."""
_KEY: Final = 32
_SEQUENCE, _INTEGER, _OCTETS, _OBJECT = 0x30, 0x02, 0x04, 0x06
_PBES2: Final = bytes.fromhex("2a864886f70d01050d")
_SCRYPT: Final = bytes.fromhex("2b06010401da47040b")
_AES_256_CBC: Final = bytes.fromhex("60864801650304012a")


def encrypted(key: Ed25519PrivateKey, passphrase: bytes, salt: bytes, vector: bytes) -> bytes:
    """Give a key as PEM; salt and vector: bytes of chance, used once."""
    derivation = _sequence(
        _value(_OBJECT, _SCRYPT),
        _sequence(_value(_OCTETS, salt), _integer(_COST), _integer(_BLOCK), _integer(1)),
    )
    cipher = _sequence(_value(_OBJECT, _AES_256_CBC), _value(_OCTETS, vector))
    scheme = _sequence(_value(_OBJECT, _PBES2), _sequence(derivation, cipher))
    content = _value(_OCTETS, _ciphertext(_der(key), passphrase, salt, vector))
    return _pem(_sequence(scheme, content))


def _der(key: Ed25519PrivateKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as form

    return key.private_bytes(form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption())


def _ciphertext(plain: bytes, passphrase: bytes, salt: bytes, vector: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
    from cryptography.hazmat.primitives.padding import PKCS7

    secret = Scrypt(salt=salt, length=_KEY, n=_COST, r=_BLOCK, p=1).derive(passphrase)
    padder = PKCS7(algorithms.AES256.block_size).padder()
    encryptor = Cipher(algorithms.AES256(secret), modes.CBC(vector)).encryptor()
    return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()


def _pem(der: bytes) -> bytes:
    body = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    label = "ENCRYPTED PRIVATE KEY"
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


def _sequence(*parts: bytes) -> bytes:
    return _value(_SEQUENCE, b"".join(parts))


def _integer(number: int) -> bytes:
    return _value(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def _value(tag: int, content: bytes) -> bytes:
    """Write one value of DER; no content here is longer than 255 bytes."""
    length = len(content)
    return bytes((tag, length) if length < 128 else (tag, 0x81, length)) + content
