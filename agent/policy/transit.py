"""Sign with a key that never leaves Vault or OpenBao: its transit engine, Ed25519. EDGE.

The signer that securesystemslib has takes address and token from the environment only; here they
are told, nothing else is asked, and a signature is believed when the public key proves it.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import hvac  # type: ignore[import-untyped]  # it has no types
import hvac.exceptions  # type: ignore[import-untyped]  # it has no types
import requests
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Signature, Signer

from agent import credentials
from checks.errors import HygieneError
from checks.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from securesystemslib.signer import Key, SSlibKey

    from agent.policy.signing import Transit

_SECONDS: Final = 15
_KEY: Final = 32


class TransitError(HygieneError):
    """A transit engine that did not do what was asked, without what it said."""


class Engine:
    """The transit engine that one key is in, and the token that opens it."""

    def __init__(self, place: Transit, token_file: Path, environ: Mapping[str, str]) -> None:
        """Read the token; raises CredentialError."""
        self._place = place
        token = credentials.token(str(token_file), environ).header().removeprefix("Bearer ")
        session = requests.Session()
        session.trust_env = False
        session.verify = place.ca or True
        self._client = hvac.Client(
            url=place.address,
            token=token,
            cert=(),  # none would be taken from the environment
            namespace=place.namespace or None,
            session=session,
            timeout=_SECONDS,
            allow_redirects=False,  # the token would go with it
        )

    def public(self) -> bytes:
        """Give the public half, 32 bytes; raises TransitError."""
        told, version = self._read(), self._place.version
        try:
            if told["data"]["type"] != "ed25519":
                raise TransitError(f"{self}: expected a key of type ed25519")
            found = base64.b64decode(told["data"]["keys"][str(version)]["public_key"])
        except (KeyError, TypeError, ValueError) as error:
            raise TransitError(f"{self}: has no public key of version {version}") from error
        if len(found) != _KEY:
            raise TransitError(f"{self}: its public key is none of Ed25519")
        return found

    def newest(self) -> int:
        """Give the newest version of the key; raises TransitError."""
        try:
            return int(self._read()["data"]["latest_version"])
        except (KeyError, TypeError, ValueError) as error:
            raise TransitError(f"{self}: answered without a version") from error

    def _read(self) -> Any:  # noqa: ANN401 - any JSON
        transit, place = self._client.secrets.transit, self._place
        return self._asked(lambda: transit.read_key(place.key, mount_point=place.mount))

    def sign(self, data: bytes) -> bytes:
        """Give a signature; raises TransitError."""
        told = self._asked(
            lambda: self._client.secrets.transit.sign_data(
                self._place.key,
                hash_input=base64.b64encode(data).decode(),
                key_version=self._place.version,
                mount_point=self._place.mount,
            )
        )
        try:
            return base64.b64decode(told["data"]["signature"].split(":")[2])
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise TransitError(f"{self}: answered without a signature") from error

    def _asked(self, ask: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON
        try:
            return ask()
        except hvac.exceptions.VaultError as error:
            raise TransitError(f"{self}: {_WHY.get(type(error).__name__, 'refused')}") from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise TransitError(f"{self}: cannot be reached ({type(error).__name__})") from error

    def __str__(self) -> str:
        """Name the key and where it is."""
        return printable(f"transit key {self._place.key} at {self._place.address}")


_WHY: Final = {
    "Forbidden": "the token may not do this",
    "InvalidPath": "no such key or engine",
    "InvalidRequest": "refused, no such key or version",
    "Unauthorized": "the token is not accepted",
    "VaultDown": "sealed or starting",
}


class TransitSigner(Signer):
    """Signs metadata through an engine."""

    def __init__(self, engine: Engine, public: SSlibKey) -> None:
        self._engine = engine
        self._public = public

    @property
    def public_key(self) -> Key:
        """Give the public half."""
        return self._public

    @classmethod
    def from_priv_key_uri(cls, *_: object, **__: object) -> TransitSigner:
        """Refuse: an address alone says nothing of token and namespace."""
        raise TransitError("transit: expected a key of signing.yaml")

    def sign(self, payload: bytes) -> Signature:
        """Sign, and prove it; raises TransitError."""
        made = Signature(self._public.keyid, self._engine.sign(payload).hex())
        try:
            self._public.verify_signature(made, payload)
        except (UnverifiedSignatureError, VerificationError) as error:
            raise TransitError(f"{self._engine}: signs with another key") from error
        return made
