"""The key alone says how a signature is checked, and only keys of known strength are taken."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from checks.attest import publickeys
from checks.errors import AttestationError
from tests.checks.attest import making

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "ed25519": Ed25519PrivateKey.generate(),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_signature_holds_for_its_key_and_data(kind: str) -> None:
    """For no other data, no other key of any kind, and with no bit changed."""
    key = publickeys.read(making.pem(KEYS[kind]))
    made = making.signature(KEYS[kind], b"data")
    assert publickeys.proves(key, made, b"data")
    assert not publickeys.proves(key, made, b"dato")
    assert not publickeys.proves(key, made[:-1] + bytes([made[-1] ^ 1]), b"data")
    for other in set(KEYS) - {kind}:
        theirs = publickeys.read(making.pem(KEYS[other]))
        assert not publickeys.proves(theirs, made, b"data")


@pytest.mark.parametrize("made", [b"", b"\0" * 64, b"\x30\0", b"\xff" * 5000])
@pytest.mark.parametrize("kind", KEYS)
def test_what_is_no_signature_proves_nothing(kind: str, made: bytes) -> None:
    """Empty, zero, cut or long: none is an error, none is believed."""
    assert not publickeys.proves(publickeys.read(making.pem(KEYS[kind])), made, b"data")


def test_another_hash_is_no_signature() -> None:
    """ECDSA on P-256 with SHA-1 or SHA-512 is refused: the curve says which hash it is."""
    key = publickeys.read(making.pem(KEYS["p256"]))
    private = KEYS["p256"]
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    for other in (hashes.SHA1(), hashes.SHA512()):
        assert not publickeys.proves(key, private.sign(b"data", ec.ECDSA(other)), b"data")


def test_other_keys_are_not_taken() -> None:
    """RSA, other curves, keys that cannot sign, private keys and no keys are refused by name."""
    others = [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256K1()),
        X25519PrivateKey.generate(),
    ]
    for one in others:
        with pytest.raises(AttestationError, match="expected a key of Ed25519"):
            publickeys.read(making.pem(one))
    for data in (making.private(KEYS["ed25519"]), b"", b"-----BEGIN PUBLIC KEY-----\nAA\n"):
        with pytest.raises(AttestationError, match="not a public key"):
            publickeys.read(data)


def test_a_key_is_named_as_openssl_would(tmp_path: Path) -> None:
    """The id is the SHA-256 of what `openssl pkey -pubin -outform DER` writes."""
    file = tmp_path / "key.pub"
    file.write_bytes(making.pem(KEYS["p384"]))
    der = tmp_path / "key.der"
    subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", file, "-outform", "DER", "-out", der], check=True
    )
    done = subprocess.run(["sha256sum", der], check=True, capture_output=True, text=True)
    assert done.stdout.split()[0] == publickeys.name(publickeys.read(file.read_bytes()))
