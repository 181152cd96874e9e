"""A key under a passphrase is opened by the library, with that passphrase and no other."""

from __future__ import annotations

import base64
import secrets

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.policy import pkcs8


def _encrypted(passphrase: bytes) -> tuple[Ed25519PrivateKey, bytes]:
    key = Ed25519PrivateKey.generate()
    salt, vector = secrets.token_bytes(pkcs8.SALT), secrets.token_bytes(pkcs8.VECTOR)
    return key, pkcs8.encrypted(key, passphrase, salt, vector)


def test_the_library_opens_it() -> None:
    """What is written is PKCS#8 that cryptography decrypts to the same key."""
    passphrase = secrets.token_bytes(20)
    key, data = _encrypted(passphrase)
    opened = form.load_pem_private_key(data, passphrase)
    assert isinstance(opened, Ed25519PrivateKey)
    assert opened.private_bytes_raw() == key.private_bytes_raw()


@pytest.mark.parametrize("other", [None, b"", b"another one"])
def test_no_other_passphrase_opens_it(other: bytes | None) -> None:
    """Without the passphrase, or with another one, there is no key."""
    _, data = _encrypted(secrets.token_bytes(20))
    with pytest.raises((TypeError, ValueError)):
        form.load_pem_private_key(data, other)


def test_guessing_is_made_slow() -> None:
    """The file says scrypt with a cost of 2 to the 17th, in blocks of 8."""
    _, data = _encrypted(secrets.token_bytes(20))
    body = base64.b64decode(b"".join(data.splitlines()[1:-1]))
    assert bytes.fromhex("06092b06010401da47040b") in body
    assert bytes.fromhex("0203020000020108020101") in body
