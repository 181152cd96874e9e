"""Log in at Vault, once for each way of doing so: what comes of it is a token. EDGE.

A secret id that is wrapped is believed only where its wrapping token was made at the place that the
settings name, and has not been used: whoever opened it before us has the secret id too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeVar

import msgspec

from agent import credentials
from agent.credentials import CredentialError
from agent.keysettings import AppRoleLogin, CertificateLogin, TokenLogin
from agent.vault.client import Told
from agent.vault.errors import VaultError, Why, WrappingError

if TYPE_CHECKING:
    from agent.keysettings import VaultSettings
    from agent.vault.client import Client, Question

_Token = Annotated[str, msgspec.Meta(pattern="^[!-~]{1,16384}$")]
_Life = Annotated[int, msgspec.Meta(ge=0, le=10**10)]
_BEARER: Final = "Bearer "
_USED: Final = (
    "secret id: its wrapping token was used before, or is over;"
    " unless this host used it, somebody else has the secret id"
)
T = TypeVar("T")


class Grant(Told, frozen=True):
    """A token. life: seconds it is good for, 0 for ever; ours: made for us, to renew and revoke."""

    token: str
    life: int
    renewable: bool
    ours: bool = True


class Way(Protocol):
    """A way to log in."""

    def grant(self) -> Grant:
        """Log in; raises VaultError."""

    def changed(self) -> bool:
        """Say whether there is another token than the one that was tried last."""


class Auth(Told, frozen=True):
    """What a login answers, and a renewal."""

    client_token: _Token
    lease_duration: _Life
    renewable: bool = False


class Login(Told, frozen=True):
    """The answer that it is in."""

    auth: Auth


class _Self(Told, frozen=True):
    ttl: _Life
    renewable: bool = False


class _LookedUp(Told, frozen=True):
    data: _Self


class _Origin(Told, frozen=True):
    creation_path: str


class _Wrapping(Told, frozen=True):
    data: _Origin


class _SecretId(Told, frozen=True):
    secret_id: str


class _Unwrapped(Told, frozen=True):
    data: _SecretId


def way(settings: VaultSettings, client: Client) -> Way:
    """Give the way to log in that the settings name; raises VaultError."""
    match settings.login:
        case AppRoleLogin() as login:
            return _AppRole(login, client)
        case CertificateLogin() as login:
            return _Certificate(login, client)
        case TokenLogin() as login:
            return _TokenFile(login, client)
        case None:
            raise VaultError(Why.REFUSED, "vault.login: expected a way to log in")


def repeatable(settings: VaultSettings) -> bool:
    """Say whether a login can be had again and again; a wrapped secret id may be for one only."""
    login = settings.login
    return isinstance(login, CertificateLogin) or (
        isinstance(login, AppRoleLogin) and not login.wrapped
    )


class _AppRole:
    """By a role id and a secret id; an unwrapped one is kept, since it cannot be had again."""

    def __init__(self, login: AppRoleLogin, client: Client) -> None:
        self._login, self._client = login, client
        self._opened = self._secret = ""

    def grant(self) -> Grant:
        """Log in with the secret id that is there now."""
        login = self._login
        secret = (self._unwrapped() if login.wrapped else self._read()) or None
        told = self._client.ask(
            Login,
            lambda vault: vault.auth.approle.login(
                login.role_id, secret, use_token=False, mount_point=login.mount
            ),
        )
        return granted(told)

    def changed(self) -> bool:
        """Say no: a new secret id is for the next login."""
        return False

    def _read(self) -> str:
        """Read what the file or the credential holds, "" where there is neither."""
        login = self._login
        file = login.secret_id_file
        if login.secret_id_credential:
            file = _credential(login.secret_id_credential)
        return _secret("secret id", file) if file else ""

    def _unwrapped(self) -> str:
        """Open the wrapping token that is there now; one that was opened here gave its secret."""
        try:
            found = self._read()
        except VaultError:
            if self._secret:  # whoever brought the token took it away again
                return self._secret
            raise
        if not self._secret or found != self._opened:
            self._check(found)
            self._secret, self._opened = self._open(found), found
        return self._secret

    def _check(self, token: str) -> None:
        """Refuse a wrapping token that is over, or was not made where secret ids are."""
        expected = self._login.creation_path
        if not expected:
            raise VaultError(Why.REFUSED, "vault.login.creation_path: expected with wrapped: true")
        told = self._once(
            _Wrapping,
            lambda vault: vault.adapter.post("/v1/sys/wrapping/lookup", json={"token": token}),
        )
        if told.data.creation_path != expected:
            raise WrappingError(f"secret id: its wrapping token was not made at {expected}; unused")

    def _open(self, token: str) -> str:
        told = self._once(_Unwrapped, lambda vault: vault.sys.unwrap(), token)
        return told.data.secret_id

    def _once(self, kind: type[T], question: Question, token: str = "") -> T:
        """Ask about a wrapping token: one that Vault does not know was used, or is over."""
        try:
            return self._client.ask(kind, question, token)
        except VaultError as error:
            if error.why is Why.DENIED:
                raise WrappingError(_USED) from None
            raise


class _Certificate:
    """By the client certificate of the connection."""

    def __init__(self, login: CertificateLogin, client: Client) -> None:
        self._login, self._client = login, client

    def grant(self) -> Grant:
        """Log in as whom the certificate names."""
        login = self._login
        body = {"name": login.role} if login.role else {}
        # What hvac has for this insists on files of its own.
        path = f"/v1/auth/{login.mount}/login"
        return granted(self._client.ask(Login, lambda vault: vault.adapter.post(path, json=body)))

    def changed(self) -> bool:
        """Say no: a new certificate is for the next login."""
        return False


class _TokenFile:
    """By a token that somebody else keeps fresh, and therefore neither renewed nor revoked here."""

    def __init__(self, login: TokenLogin, client: Client) -> None:
        self._login, self._client = login, client
        self._found = ""

    def grant(self) -> Grant:
        """Take the token that is there now, if Vault knows it."""
        found = _secret("token", self._login.token_file)
        self._found = found  # also where it is not accepted: it is not tried again and again
        told = self._client.ask(
            _LookedUp, lambda vault: vault.auth.token.lookup_self(), token=found
        ).data
        return Grant(found, told.ttl, renewable=False, ours=False)

    def changed(self) -> bool:
        """Read the file anew; where it cannot be read, the token that was in it goes on."""
        try:
            return _secret("token", self._login.token_file) != self._found
        except VaultError:
            return False


def _secret(what: str, file: str) -> str:
    """Read a token or a secret id from a private file; raises VaultError."""
    try:
        return credentials.token(file, os.environ).header().removeprefix(_BEARER)
    except CredentialError as error:
        raise VaultError(Why.REFUSED, f"{what}: {error}") from None


def _credential(name: str) -> str:
    try:
        return credentials.path(name, os.environ)
    except CredentialError as error:
        raise VaultError(Why.REFUSED, f"secret id: {error}") from None


def granted(told: Login) -> Grant:
    """Make what a login or a renewal answered into a grant."""
    return Grant(told.auth.client_token, told.auth.lease_duration, told.auth.renewable)
