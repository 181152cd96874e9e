"""A login gives a token, or an error that says what is wrong with the login and repeats nothing."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent.keysettings import AppRoleLogin, CertificateLogin, VaultSettings
from agent.vault.client import Client
from agent.vault.errors import VaultError, Why, WrappingError
from agent.vault.login import Grant, way
from tests.agent.vault.authority import issue
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.vault.login import Way
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

    Enter = Callable[[VaultSettings], Way]


@pytest.fixture
def enter() -> Iterator[Enter]:
    """Make ways to log in, and let go of their connections."""
    clients = []

    def made(settings: VaultSettings) -> Way:
        clients.append(Client(settings))
        return way(settings, clients[-1])

    yield made
    for client in clients:
        client.close()


def _knows(vault: Vault, grant: Grant) -> dict[str, Any]:
    """Give what the server knows of a token."""
    found: dict[str, Any] = vault.root.auth.token.lookup(grant.token)["data"]
    return found


def _replaced(settings: VaultSettings, **more: object) -> VaultSettings:
    login: Any = settings.login
    return msgspec.structs.replace(settings, login=msgspec.structs.replace(login, **more))


def _fails(one: Way) -> VaultError:
    with pytest.raises(VaultError) as caught:
        one.grant()
    return caught.value


def test_a_role_logs_in(vault: Vault, enter: Enter) -> None:
    """A role id with its secret id gives a token with the role's policies and life."""
    grant = enter(vault.approle(token_ttl="7m")).grant()
    assert (grant.life, grant.renewable, grant.ours) == (420, True, True)
    assert _knows(vault, grant)["policies"] == ["default", "keeper"]


def test_a_secret_id_is_read_anew(vault: Vault, enter: Enter) -> None:
    """A secret id that was replaced in its file counts from the next login on."""
    settings = vault.approle()
    login: Any = settings.login
    Path(login.secret_id_file).write_text(secrets.token_hex(16))
    one = enter(settings)
    assert _fails(one).why is Why.DENIED
    role = os.path.basename(login.secret_id_file).removesuffix(".id")
    Path(login.secret_id_file).write_text(vault.secret_id(role))
    assert one.grant().token


def test_a_secret_id_may_be_a_credential(
    vault: Vault, enter: Enter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd may bring it; a credential that is not there is named as missing."""
    role, number = vault.role()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = tmp_path / "secret-id"
    path.touch(mode=0o400)
    path.write_text(vault.secret_id(role))
    login = AppRoleLogin(role_id=number, secret_id_credential="secret-id")
    assert enter(vault.settings(login=login)).grant().token
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert _fails(enter(vault.settings(login=login))).why is Why.REFUSED


def test_a_role_may_have_no_secret_id(vault: Vault, enter: Enter) -> None:
    """A role that is bound by addresses alone needs none; another one does."""
    _, number = vault.role(bind_secret_id=False, token_bound_cidrs=["127.0.0.0/8"])
    assert enter(vault.settings(login=AppRoleLogin(role_id=number))).grant().token
    _, number = vault.role()
    assert _fails(enter(vault.settings(login=AppRoleLogin(role_id=number)))).why is Why.DENIED


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o000])
def test_a_secret_id_for_others_is_refused(vault: Vault, enter: Enter, mode: int) -> None:
    """A file that others may read, or that is gone, is refused by its name."""
    settings = vault.approle()
    login: Any = settings.login
    path = Path(login.secret_id_file)
    path.chmod(mode) if mode else path.unlink()
    error = _fails(enter(settings))
    assert error.why is Why.REFUSED
    assert str(path) in str(error)


def test_a_wrapped_secret_id_is_opened_once(vault: Vault, enter: Enter) -> None:
    """It is unwrapped at the first login; later ones use what was in it, even without the file."""
    settings = vault.approle(wrapped=True)
    login: Any = settings.login
    one = enter(settings)
    first = one.grant()
    again = one.grant()
    Path(login.secret_id_file).unlink()
    assert len({first.token, again.token, one.grant().token}) == 3
    assert _knows(vault, first)["policies"] == ["default", "keeper"]


def test_a_new_wrapping_token_is_opened(vault: Vault, enter: Enter) -> None:
    """Once another wrapping token lies in the file, the secret id in that one counts."""
    settings = vault.approle(wrapped=True, secret_id_num_uses=1)
    login: Any = settings.login
    role = os.path.basename(login.secret_id_file).removesuffix(".id")
    one = enter(settings)
    one.grant()
    assert _fails(one).why is Why.DENIED
    Path(login.secret_id_file).write_text(vault.wrapped(role))
    assert one.grant().token


def test_a_used_wrapping_token_is_told(vault: Vault, enter: Enter) -> None:
    """One that somebody opened before us is an error of its own, and nobody logs in."""
    settings = vault.approle(wrapped=True)
    login: Any = settings.login
    token = Path(login.secret_id_file).read_text().strip()
    vault.root.sys.unwrap(token)
    error = _fails(enter(settings))
    assert isinstance(error, WrappingError)
    assert "somebody else has the secret id" in str(error)
    assert token not in str(error)


def test_a_wrapping_token_of_elsewhere_is_not_used(vault: Vault, enter: Enter) -> None:
    """One that was not made where secret ids are is named, and stays unopened."""
    settings = vault.approle(wrapped=True)
    login: Any = settings.login
    token = vault.root.sys.wrap({"secret_id": secrets.token_hex(16)})["wrap_info"]["token"]
    Path(login.secret_id_file).write_text(token)
    error = _fails(enter(settings))
    assert isinstance(error, WrappingError)
    assert f"was not made at {login.creation_path}" in str(error)
    assert vault.root.sys.unwrap(token)["data"]["secret_id"]
    unset = _replaced(settings, creation_path="")
    assert "creation_path: expected" in str(_fails(enter(unset)))


def test_a_plain_secret_id_is_no_wrapping_token(vault: Vault, enter: Enter) -> None:
    """With `wrapped`, a secret id as it is gets nobody in."""
    settings = _replaced(vault.approle(), wrapped=True, creation_path="auth/approle/role/x")
    assert isinstance(_fails(enter(settings)), WrappingError)


def test_a_certificate_logs_in(vault: Vault, enter: Enter, tmp_path: Path) -> None:
    """The certificate of the connection gives a token; another one does not."""
    ours, other = issue("ours", names=["a.example.net"]), issue("other", names=["a.example.net"])
    name = f"c{secrets.token_hex(4)}"
    told = {"certificate": ours.pem, "token_policies": ["keeper"], "token_ttl": "7m"}
    vault.root.write_data(f"auth/cert/certs/{name}", data=told)
    for one, role in ((ours, name), (ours, "")):
        certificate, key = one.write(tmp_path, "client")
        login = CertificateLogin(role=role)
        grant = enter(vault.settings(login=login, certificate=certificate, key=key)).grant()
        assert grant.life == 420
    certificate, key = other.write(tmp_path, "other")
    error = _fails(enter(vault.settings(login=login, certificate=certificate, key=key)))
    assert error.why is Why.DENIED
    assert _fails(enter(vault.settings(login=login))).why is Why.DENIED


def test_a_token_of_a_file_is_somebody_elses(vault: Vault, enter: Enter) -> None:
    """It is taken with the life that it has, to be neither renewed nor revoked, and read anew."""
    settings = vault.with_token(vault.token(ttl="9m"))
    login: Any = settings.login
    one = enter(settings)
    grant = one.grant()
    assert 400 < grant.life <= 540
    assert (grant.renewable, grant.ours, one.changed()) == (False, False, False)
    Path(login.token_file).write_text(vault.token())
    assert one.changed()
    assert one.grant().token != grant.token
    assert not one.changed()
    Path(login.token_file).unlink()
    assert not one.changed()


def test_a_token_that_nobody_knows_is_denied(vault: Vault, enter: Enter) -> None:
    """A file with any other token does not log in."""
    assert _fails(enter(vault.with_token(f"s.{secrets.token_hex(12)}"))).why is Why.DENIED
    assert _fails(enter(vault.with_token("two words"))).why is Why.REFUSED


def test_without_a_way_there_is_no_login(enter: Enter) -> None:
    """Settings without a login are refused by the name of what is missing."""
    with pytest.raises(VaultError, match=r"vault\.login: expected"):
        enter(VaultSettings(address="https://127.0.0.1:1"))


AUTH = {"client_token": "s.x", "lease_duration": 60, "renewable": True}
WRONG = {
    "no auth": {"auth": None},
    "no token": {"auth": {**AUTH, "client_token": None}},
    "an empty token": {"auth": {**AUTH, "client_token": ""}},
    "a token with a line": {"auth": {**AUTH, "client_token": "x\r\nX-Vault-Token: y"}},
    "a long token": {"auth": {**AUTH, "client_token": "x" * 20_000}},
    "a life before its start": {"auth": {**AUTH, "lease_duration": -1}},
    "a life in words": {"auth": {**AUTH, "lease_duration": "60"}},
    "an endless life": {"auth": {**AUTH, "lease_duration": 10**30}},
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_token_that_is_none_is_not_taken(
    hostile: Hostile, reach: Callable[..., VaultSettings], enter: Enter, kind: str
) -> None:
    """A login whose answer has no token of sense is a broken Vault; a good one beside it is not."""
    one = enter(reach(login=AppRoleLogin(role_id="r")))
    hostile.says(answer(200, WRONG[kind]))
    assert _fails(one).why is Why.BROKEN
    hostile.says(answer(200, {"auth": AUTH}))
    assert one.grant() == Grant("s.x", 60, renewable=True)
    assert json.loads(hostile.heard[0].body) == {"role_id": "r", "secret_id": None}


def test_a_grant_shows_nothing() -> None:
    """The token is in no representation of it."""
    grant = Grant(secrets.token_hex(8), 1, renewable=False)
    assert f"{grant} {[grant]}" == "<Grant> [<Grant>]"
