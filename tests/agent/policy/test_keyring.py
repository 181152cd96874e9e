"""Key files are private, are opened by their passphrase only, and are asked for nowhere else."""

from __future__ import annotations

import os
import pty
import secrets
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.credentials import CredentialError
from agent.policy import keyring
from agent.policy.keyring import Keyring, KeyringError, Passphrases

if TYPE_CHECKING:
    from pathlib import Path

    from agent.policy.signing import Known


def _secret(folder: Path, text: str = "") -> Path:
    path = folder / secrets.token_hex(4)
    path.write_text(text or secrets.token_hex(12) + "\n")
    path.chmod(0o600)
    return path


def _ring(folder: Path, passphrase: Path | None = None) -> Keyring:
    return Keyring(folder / "keys", Passphrases(passphrase), folder / "token")


def _made(folder: Path, passphrase: Path) -> Known:
    return keyring.made(folder / "keys", "alice", Passphrases(passphrase).new("alice"))


def test_a_key_signs_after_its_passphrase_was_read(tmp_path: Path) -> None:
    """A new key is a private file; with its passphrase it signs what its public half proves."""
    passphrase = _secret(tmp_path)
    known = _made(tmp_path, passphrase)
    assert (tmp_path / "keys/alice.pem").stat().st_mode & 0o777 == 0o600
    signature = _ring(tmp_path, passphrase).signer("alice", known).sign(b"data")
    keyring.public(known).verify_signature(signature, b"data")


def test_another_passphrase_does_not_open_it(tmp_path: Path) -> None:
    """The error names the file and repeats neither the key nor the passphrase."""
    known = _made(tmp_path, _secret(tmp_path))
    other = _secret(tmp_path)
    with pytest.raises(KeyringError, match=r"alice\.pem: no Ed25519 key") as caught:
        _ring(tmp_path, other).signer("alice", known)
    assert other.read_text().strip() not in str(caught.value)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    """Eleven characters are too few, twelve are not."""
    with pytest.raises(KeyringError, match="12 characters or more"):
        _made(tmp_path, _secret(tmp_path, "k" * 11))
    assert _made(tmp_path, _secret(tmp_path, "k" * 12))


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    """A second key of the same name is refused, and the first one stays."""
    passphrase = _secret(tmp_path)
    _made(tmp_path, passphrase)
    before = (tmp_path / "keys/alice.pem").read_bytes()
    with pytest.raises(KeyringError, match="there already"):
        _made(tmp_path, passphrase)
    assert (tmp_path / "keys/alice.pem").read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_files_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    """A key or a passphrase in a file that is not private is not used."""
    passphrase = _secret(tmp_path)
    known = _made(tmp_path, passphrase)
    passphrase.chmod(mode)
    with pytest.raises(CredentialError, match="not a private file"):
        _ring(tmp_path, passphrase).signer("alice", known)
    passphrase.chmod(0o600)
    (tmp_path / "keys/alice.pem").chmod(mode)
    with pytest.raises(CredentialError, match="not a private file"):
        _ring(tmp_path, passphrase).signer("alice", known)


def test_a_file_with_another_key_is_refused(tmp_path: Path) -> None:
    """The key in the file must be the one of signing.yaml."""
    known = keyring.made(tmp_path / "keys", "alice", None)
    other = keyring.made(tmp_path / "keys", "bob", None)
    with pytest.raises(KeyringError, match="is not the key"):
        _ring(tmp_path).signer("alice", other)
    assert _ring(tmp_path).signer("alice", known)


@pytest.mark.parametrize("kind", ["empty", "text", "another algorithm", "cut"])
def test_what_is_no_key_is_refused(tmp_path: Path, kind: str) -> None:
    """Any content but an Ed25519 key gives our own error."""
    known = keyring.made(tmp_path / "keys", "alice", None)
    path = tmp_path / "keys/alice.pem"
    whole = path.read_bytes()
    pem = (form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    path.write_bytes(
        {
            "empty": b"",
            "text": b"no key at all\n",
            "another algorithm": X25519PrivateKey.generate().private_bytes(*pem),
            "cut": whole[: len(whole) // 2],
        }[kind]
    )
    with pytest.raises(KeyringError, match="no Ed25519 key"):
        _ring(tmp_path).signer("alice", known)
    path.write_bytes(whole)
    assert _ring(tmp_path).signer("alice", known)


def test_a_key_without_a_passphrase_is_opened_as_it_is(tmp_path: Path) -> None:
    """A key made for a timer is asked for nothing."""
    known = keyring.made(tmp_path / "keys", "online", None)
    assert isinstance(known.public, str)
    assert len(bytes.fromhex(known.public)) == 32
    assert _ring(tmp_path).has("online", known)
    assert not _ring(tmp_path).has("absent", known)


_ASK = """
import sys
from pathlib import Path
from agent.policy.keyring import Passphrases
print("got", len(Passphrases(None).new("alice")), flush=True)
"""


def _on_terminal(*lines: bytes) -> bytes:
    """Run a program that asks, with a terminal of its own, and type lines into it."""
    child, master = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-I", "-c", _ASK])
    seen = b""
    waiting = list(lines)
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:  # Linux says so when the other side is gone
            break
        if not data:
            break
        seen += data
        if waiting and seen.endswith(b": "):
            os.write(master, waiting.pop(0) + b"\n")
    os.waitpid(child, 0)
    os.close(master)
    return seen


def test_a_passphrase_is_typed_twice_and_never_shown() -> None:
    """The terminal shows the questions and not the answers."""
    typed = secrets.token_hex(10).encode()
    seen = _on_terminal(typed, typed)
    assert b"got 20" in seen
    assert typed not in seen


def test_two_different_passphrases_are_refused() -> None:
    """A slip of the fingers makes no key that nobody can open."""
    seen = _on_terminal(b"a" * 12, b"b" * 12)
    assert b"not the same" in seen
    assert b"got" not in seen
