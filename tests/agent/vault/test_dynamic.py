"""Credentials of a real database live as long as their lease, and end when they are given back."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import hvac.exceptions
import pytest

from agent.keysettings import AppRoleLogin, LeaseSource
from agent.vault.errors import VaultError, Why
from agent.vault.material import MaterialError, Values
from agent.vault.session import Session
from agent.vault.sources import source
from tests.agent.vault import database
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.keysettings import VaultSettings
    from agent.vault.got import Got
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

FIELDS = {"user": "username", "password": "password"}
NOW = 1_800_000_000.0
_CREATE = """CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    if database.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    # pytest's own folders are closed to the user that it runs as.
    with tempfile.TemporaryDirectory(prefix="hygiene-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with database.running(folder) as address:
            yield address


@pytest.fixture
def role(vault: Vault, postgres: str) -> str:
    """A role whose leases live a minute, and three at the longest."""
    root = vault.root
    if "database/" not in root.sys.list_mounted_secrets_engines():
        root.sys.enable_secrets_engine("database")
        told = {
            "plugin_name": "postgresql-database-plugin",
            "connection_url": postgres,
            "allowed_roles": "*",
        }
        root.write_data("database/config/db", data=told)
    name = f"r{secrets.token_hex(4)}"
    life = {"default_ttl": "60s", "max_ttl": "180s"}
    statements = {"db_name": "db", "creation_statements": _CREATE}
    root.write_data(f"database/roles/{name}", data={**statements, **life})
    return name


@pytest.fixture
def session(vault: Vault) -> Iterator[Session]:
    made = Session(vault.approle(), "host")
    yield made
    made.close()


def _leases(vault: Vault, role: str) -> int:
    try:
        told = vault.root.sys.list_leases(prefix=f"database/creds/{role}")
    except hvac.exceptions.InvalidPath:
        return 0
    return len(told["data"]["keys"])


def _given(got: Got | None) -> Got:
    assert got
    assert isinstance(got.what, Values)
    return got


def test_a_lease_is_got_renewed_and_given_back(vault: Vault, session: Session, role: str) -> None:
    """The same credentials live longer while they are renewed, and none is left at the end."""
    one = source(LeaseSource(path=f"database/creds/{role}", fields=FIELDS), session)
    first = _given(one.get("", NOW))
    assert (first.begins, first.ends) == (NOW, NOW + 60)
    assert isinstance(first.what, Values)
    assert first.what.fields["user"].startswith("v-approle")
    longer = _given(one.get(first.version, NOW + 40))
    assert (longer.version, longer.what) == (first.version, first.what)
    assert longer.begins == NOW + 40
    assert NOW + 95 < longer.ends <= NOW + 100
    assert _leases(vault, role) == 1
    one.release()
    assert _leases(vault, role) == 0
    one.release()


def test_what_was_not_delivered_is_given_again(vault: Vault, session: Session, role: str) -> None:
    """Attempts that fail after it was got do not make one user after the other."""
    one = source(LeaseSource(path=f"database/creds/{role}", fields=FIELDS), session)
    first = one.get("", NOW)
    assert one.get("", NOW + 20) == first
    assert _leases(vault, role) == 1
    assert _given(one.get("", NOW + 31)).version != _given(first).version
    wrong = source(LeaseSource(path=f"database/creds/{role}", fields={"a": "b"}), session)
    for _ in range(3):
        with pytest.raises(MaterialError, match=r"^b: expected"):
            wrong.get("", NOW)
    assert _leases(vault, role) == 3


def test_a_lease_that_is_over_is_replaced(vault: Vault, session: Session, role: str) -> None:
    """What Vault does not renew any more, or had to end with its token, is got anew."""
    one = source(LeaseSource(path=f"database/creds/{role}", fields=FIELDS), session)
    first = _given(one.get("", NOW))
    vault.root.sys.revoke_prefix(f"database/creds/{role}")
    _until_none(vault, role)
    second = _given(one.get(first.version, NOW + 40))
    assert second.version != first.version
    vault.root.auth.token.revoke(_token(session))
    _until_none(vault, role)
    third = _given(one.get(second.version, NOW + 40))
    assert third.version not in {first.version, second.version}
    assert _leases(vault, role) == 1


def _token(session: Session) -> str:
    told = session.ask(
        dict[str, dict[str, object]],
        lambda vault: {"data": vault.auth.token.lookup_self()["data"]},
    )
    return str(told["data"]["id"])


def _until_none(vault: Vault, role: str) -> None:
    ends = time.monotonic() + 60
    while _leases(vault, role) and time.monotonic() < ends:
        time.sleep(0.05)
    assert _leases(vault, role) == 0


LOGIN = answer(200, {"auth": {"client_token": "s.x", "lease_duration": 3600, "renewable": True}})
GOOD = {
    "lease_id": "database/creds/app/x",
    "lease_duration": 60,
    "renewable": True,
    "data": {"username": "a", "password": "b"},
}


@pytest.fixture
def app(hostile: Hostile, reach: Callable[..., VaultSettings]) -> Iterator[Session]:
    made = Session(reach(login=AppRoleLogin(role_id="r")), "host")
    hostile.says(LOGIN)
    made.keep()
    yield made
    made.close()


def test_a_short_renewal_is_the_last(hostile: Hostile, app: Session) -> None:
    """Where a renewal gives less than half of a life, another lease is got in time."""
    one = source(LeaseSource(path="database/creds/app", fields=FIELDS), app)
    hostile.says(answer(200, GOOD))
    first = _given(one.get("", NOW))
    hostile.says(
        answer(200, {"lease_duration": 20}), answer(200, {**GOOD, "lease_id": "database/creds/y"})
    )
    assert _given(one.get(first.version, NOW + 40)).version != first.version
    assert [item.line.split()[0] for item in hostile.heard[-2:]] == ["PUT", "GET"]


def test_an_outage_does_not_end_a_lease(hostile: Hostile, app: Session) -> None:
    """A renewal without an answer is an error, and the same lease is renewed afterwards."""
    one = source(LeaseSource(path="database/creds/app", fields=FIELDS), app)
    hostile.says(answer(200, GOOD))
    first = _given(one.get("", NOW))
    hostile.says(answer(500, {}))
    with pytest.raises(VaultError):
        one.get(first.version, NOW + 40)
    hostile.says(answer(200, {"lease_duration": 60}))
    assert _given(one.get(first.version, NOW + 45)).version == first.version


@pytest.mark.parametrize(
    "wrong",
    [
        {"lease_id": ""},
        {"lease_id": None},
        {"lease_duration": -1},
        {"lease_duration": "60"},
        {"data": None},
        {"renewable": 1},
    ],
)
def test_odd_answers_are_no_lease(hostile: Hostile, app: Session, wrong: dict[str, object]) -> None:
    """Whatever is no lease is a broken Vault, and the next good one counts."""
    one = source(LeaseSource(path="database/creds/app", fields=FIELDS), app)
    hostile.says(answer(200, {**GOOD, **wrong}))
    with pytest.raises(VaultError) as caught:
        one.get("", NOW)
    assert caught.value.why is Why.BROKEN
    hostile.says(answer(200, GOOD))
    assert _given(one.get("", NOW)).what == Values({"user": "a", "password": "b"})


def test_another_one_can_be_had_while_the_first_goes_on(
    vault: Vault, session: Session, role: str
) -> None:
    """Somebody may still use it: it ends with its own lease."""
    one = source(LeaseSource(path=f"database/creds/{role}", fields=FIELDS), session)
    first = _given(one.get("", NOW))
    one.anew()
    second = _given(one.get(first.version, NOW + 1))
    assert second.version != first.version
    assert _leases(vault, role) == 2
    assert _given(one.get(second.version, NOW + 40)).version == second.version
