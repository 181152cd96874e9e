"""What is signed by a key file or a transit engine is proven by the public half."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.attest import signers
from agent.attest.signers import Access
from agent.credentials import CredentialError
from agent.policy.signing import SigningError
from checks.attest import publickeys
from checks.errors import AttestationError
from tests.checks.attest import making

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def _file(folder: Path, key: PrivateKeyTypes, passphrase: bytes | None = None) -> Path:
    path = folder / f"{secrets.token_hex(4)}.pem"
    path.write_bytes(making.private(key, passphrase))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "key",
    [
        Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
    ],
)
def test_a_key_file_signs(tmp_path: Path, key: making.Private) -> None:
    """With and without a passphrase; the signature names its key."""
    public = publickeys.read(making.pem(key))
    phrase = tmp_path / "phrase"
    phrase.write_text(secrets.token_hex(12) + "\n")
    phrase.chmod(0o600)
    locked = _file(tmp_path, key, phrase.read_bytes().strip())
    for access in (Access(_file(tmp_path, key)), Access(locked, passphrase_file=phrase)):
        made = signers.opened(access).sign(b"data")
        assert made.key == publickeys.name(public)
        assert publickeys.proves(public, made.value, b"data")
        assert not publickeys.proves(public, made.value, b"other")


def test_another_passphrase_opens_nothing(tmp_path: Path) -> None:
    """The error names the file and repeats no passphrase."""
    key = Ed25519PrivateKey.generate()
    phrase = tmp_path / "phrase"
    phrase.write_text(secrets.token_hex(12))
    phrase.chmod(0o600)
    locked = _file(tmp_path, key, secrets.token_hex(12).encode())
    with pytest.raises(AttestationError, match="that can be opened") as caught:
        signers.opened(Access(locked, passphrase_file=phrase))
    assert phrase.read_text() not in str(caught.value)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """It has to be this user's own and private."""
    path = _file(tmp_path, Ed25519PrivateKey.generate())
    path.chmod(0o640)
    with pytest.raises(CredentialError, match="not a private file"):
        signers.opened(Access(path))
    path.chmod(0o600)
    assert signers.opened(Access(path))


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256K1())]
)
def test_a_key_of_another_kind_is_not_used(tmp_path: Path, key: PrivateKeyTypes) -> None:
    """Whoever checks would not take it."""
    with pytest.raises(AttestationError, match="key of Ed25519"):
        signers.opened(Access(_file(tmp_path, key)))


@pytest.mark.parametrize("place", ["", "key", "/key", "mount/", "a b/c", "https://h/key", "m/k?x"])
def test_a_place_in_transit_is_mount_and_key(tmp_path: Path, place: str) -> None:
    """Anything else is refused before a token is read."""
    with pytest.raises(AttestationError, match=r"expected \[ADDRESS/\]MOUNT/KEY"):
        signers.opened(Access(transit=place, token_file=tmp_path / "absent"))


def test_a_token_never_goes_in_clear_text(tmp_path: Path) -> None:
    """Without TLS only this host itself is spoken to."""
    token = tmp_path / "absent"
    with pytest.raises(SigningError, match="address"):
        signers.opened(Access(transit="http://vault.example/transit/key", token_file=token))
    with pytest.raises(CredentialError, match="No such file"):
        signers.opened(Access(transit="http://127.0.0.1:1/transit/key", token_file=token))
