"""Make and open the keys that sign: files under a passphrase, or keys in a transit engine. EDGE.

A passphrase is read from the terminal or from a private file, never from the command line or the
environment. A key file is NAME.pem in a folder of its owner's, outside what is kept in git.
"""

from __future__ import annotations

import getpass
import os
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from agent import credentials, home
from agent.policy import pkcs8
from agent.policy.signing import Known
from checks.errors import HygieneError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import Signer

    from agent.policy.signing import Transit

_MOST: Final = 16 * 1024
_LEAST: Final = 12
"""Characters of a new passphrase."""
_TRIES: Final = 3
_TERMINAL: Final = "/dev/tty"
_ENCRYPTED: Final = b"BEGIN ENCRYPTED PRIVATE KEY"


class KeyringError(HygieneError):
    """A key that is not there, cannot be opened or is another one."""


class Passphrases:
    """Gets passphrases from one private file or from the terminal; shown nowhere."""

    def __init__(self, file: Path | None) -> None:
        """Keep where they come from; FILE holds one for all keys of this run."""
        self._file = file
        self._last = b""

    def new(self, name: str) -> bytes:
        """Get one for a new key, on the terminal twice; raises KeyringError for a short one."""
        if not self._last:
            self._last = self._from_file() if self._file else self._typed_twice(name)
        return self._last

    def each(self, name: str) -> Iterator[bytes]:
        """Give what may open a key: the last one used, then what somebody types."""
        if self._file:
            self._last = self._from_file()
        if self._last:
            yield self._last
        for _ in range(0 if self._file else _TRIES):
            self._last = _typed(f"Passphrase of key {name}: ")
            yield self._last

    def _from_file(self) -> bytes:
        assert self._file is not None
        return _long_enough(_private(self._file).rstrip(b"\r\n"))

    def _typed_twice(self, name: str) -> bytes:
        first = _long_enough(_typed(f"New passphrase of key {name}: "))
        if _typed("Again: ") != first:
            raise KeyringError("passphrase: the two are not the same")
        return first


def _long_enough(passphrase: bytes) -> bytes:
    if len(passphrase) < _LEAST:
        raise KeyringError(f"passphrase: expected {_LEAST} characters or more")
    return passphrase


def _typed(prompt: str) -> bytes:
    """Ask on the terminal, and nowhere else: elsewhere it would be shown."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as error:
        message = "passphrase: no terminal to ask for it\nhint: --passphrase-file FILE"
        raise KeyringError(message) from error
    return getpass.getpass(prompt).encode()


def _private(path: Path) -> bytes:
    with credentials.opened(str(path), os.environ) as descriptor:
        try:
            return os.read(descriptor, _MOST)
        except OSError as error:
            raise KeyringError(f"{path}: {error.strerror}") from error


def made(folder: Path, name: str, passphrase: bytes | None) -> Known:
    """Make a key file, which must not be there; None: without a passphrase, for a machine."""
    path = _path(folder, name)
    if os.path.lexists(path):
        raise KeyringError(f"{path}: is there already")
    key = Ed25519PrivateKey.generate()
    if passphrase is None:
        data = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    else:
        salt, vector = secrets.token_bytes(pkcs8.SALT), secrets.token_bytes(pkcs8.VECTOR)
        data = pkcs8.encrypted(key, passphrase, salt, vector)
    if home.claim(path, data) != data:
        raise KeyringError(f"{path}: is there already")
    return Known(key.public_key().public_bytes_raw().hex())


def public(known: Known) -> SSlibKey:
    """Give the public half as metadata has it."""
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(known.public)))


class Keyring:
    """Opens keys: their files, or the transit engines that they are in."""

    def __init__(self, folder: Path, passphrases: Passphrases, token_file: Path) -> None:
        """Keep where keys are; each is opened once a run."""
        self.folder = folder
        self.passphrases = passphrases
        self._token_file = token_file
        self._opened: dict[str, Signer] = {}

    def taken_up(self, place: Transit) -> Known:
        """Ask a transit engine for a key's public half; raises TransitError or CredentialError."""
        from agent.policy.transit import Engine  # heavy

        return Known(Engine(place, self._token_file, os.environ).public().hex(), place)

    def has(self, name: str, known: Known) -> bool:
        """Say whether somebody here could sign with this key."""
        return os.path.exists(self._token_file if known.transit else _path(self.folder, name))

    def signer(self, name: str, known: Known) -> Signer:
        """Open a key; raises KeyringError, TransitError or CredentialError."""
        if name not in self._opened:
            self._opened[name] = self._open(name, known)
        return self._opened[name]

    def _open(self, name: str, known: Known) -> Signer:
        if known.transit:
            from agent.policy.transit import Engine, TransitSigner  # heavy

            engine = Engine(known.transit, self._token_file, os.environ)
            return TransitSigner(engine, public(known))
        key = self._decrypted(name)
        if key.public_key().public_bytes_raw().hex() != known.public:
            raise KeyringError(f"{_path(self.folder, name)}: is not the key of signing.yaml")
        return CryptoSigner(key, public(known))

    def _decrypted(self, name: str) -> Ed25519PrivateKey:
        path = _path(self.folder, name)
        key = opened(path, self.passphrases)
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyringError(f"{path}: no Ed25519 key that this passphrase opens")
        return key


def opened(path: Path, passphrases: Passphrases) -> PrivateKeyTypes | None:
    """Open a private file with a key of any kind; None where no passphrase opens it."""
    data = _private(path)
    if _ENCRYPTED not in data:
        return _loaded(data, None)
    tried = (_loaded(data, one) for one in passphrases.each(path.stem))
    return next((one for one in tried if one is not None), None)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.pem"


def _loaded(data: bytes, passphrase: bytes | None) -> PrivateKeyTypes | None:
    try:
        return form.load_pem_private_key(data, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
