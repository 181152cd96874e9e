"""Sign an attestation: with a private key file, or with a key in Vault's transit engine. EDGE."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.policy import keyring, signing
from agent.policy.keyring import Keyring, Passphrases
from checks.attest import publickeys
from checks.attest.dsse import Signature
from checks.errors import AttestationError
from checks.lazy import regex

if TYPE_CHECKING:
    from securesystemslib.signer import Signer as Signing

PLACE: Final = regex(r"(?:(https?://[^/]+)/)?([A-Za-z0-9_.\-/]+)/([A-Za-z0-9_.\-]+)")
"""[ADDRESS/]MOUNT/KEY."""
_ADDRESS: Final = "https://127.0.0.1:8200"


class Access(NamedTuple):
    """Where the key is: a file, or PLACE in a transit engine, and how to get at it."""

    file: Path | None = None
    transit: str = ""
    passphrase_file: Path | None = None
    token_file: Path | None = None
    ca: Path | None = None
    namespace: str = ""


class Signer(Protocol):
    """What signs."""

    def sign(self, data: bytes) -> Signature:
        """Give a signature over DATA; raises HygieneError."""


def opened(access: Access) -> Signer:
    """Open the key; raises AttestationError, KeyringError, TransitError or CredentialError."""
    passphrases = Passphrases(access.passphrase_file)
    if access.file is not None:
        return _File(access.file, passphrases)
    token = access.token_file or Path(os.path.expanduser("~/.vault-token"))
    return _Transit(access, Keyring(Path(), passphrases, token), token)


class _File:
    """A key in a file."""

    def __init__(self, path: Path, passphrases: Passphrases) -> None:
        key = keyring.opened(path, passphrases)
        if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
            raise AttestationError(f"{path}: no key of Ed25519 or ECDSA that can be opened")
        self._key = key
        try:
            self._name = publickeys.name(publickeys.known(key.public_key()))
        except AttestationError as error:
            raise AttestationError(f"{path}: {error}") from error

    def sign(self, data: bytes) -> Signature:
        if isinstance(self._key, Ed25519PrivateKey):
            return Signature(self._name, self._key.sign(data))
        how = publickeys.algorithm(self._key.public_key())
        return Signature(self._name, self._key.sign(data, how))


class _Transit:
    """The newest version of a key in a transit engine."""

    def __init__(self, access: Access, ring: Keyring, token: Path) -> None:
        from agent.policy.transit import Engine  # heavy

        place = _place(access)
        newest = Engine(place, token, os.environ).newest()
        known = ring.taken_up(msgspec.structs.replace(place, version=newest))
        self._signing: Signing = ring.signer(place.key, known)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(known.public))
        self._name = publickeys.name(key)

    def sign(self, data: bytes) -> Signature:
        return Signature(self._name, bytes.fromhex(self._signing.sign(data).signature))


def _place(access: Access) -> signing.Transit:
    found = PLACE.fullmatch(access.transit)
    if found is None:
        raise AttestationError("transit: expected [ADDRESS/]MOUNT/KEY")
    address, mount, key = found.groups()
    place: dict[str, object] = {
        "address": address or _ADDRESS,
        "key": key,
        "mount": mount,
        "namespace": access.namespace,
        "ca": str(access.ca.absolute()) if access.ca else "",
    }
    return signing.transit(place)
