"""A kept secret is fetched when there is a new version of it, whole, and as what it is."""

from __future__ import annotations

import math
import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.keysettings import AppRoleLogin, KvSource
from agent.vault.errors import VaultError, Why
from agent.vault.got import Got
from agent.vault.material import Material, MaterialError, Values
from agent.vault.session import Session
from agent.vault.sources import source
from tests.agent.vault.authority import issue
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.keysettings import VaultSettings
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

NAME = "www.example.net"
NOW = 1_800_000_000.0


@pytest.fixture
def session(vault: Vault) -> Iterator[Session]:
    made = Session(vault.approle(), "host")
    yield made
    made.close()


@pytest.fixture
def path() -> str:
    return f"web/{secrets.token_hex(4)}"


def _put(vault: Vault, path: str, secret: dict[str, object]) -> None:
    vault.root.secrets.kv.v2.create_or_update_secret(path, secret=secret)


def _pair() -> dict[str, object]:
    root = issue("root")
    leaf = issue(NAME, root, names=[NAME])
    return {"key": leaf.private, "certificate": leaf.pem, "chain": [root.pem]}


def test_a_secret_is_one_object(vault: Vault, session: Session, path: str) -> None:
    """Key, certificate and chain come as one, with their version and their dates."""
    _put(vault, path, _pair())
    got = source(KvSource(path=path), session).get("", time.time())
    assert got
    assert isinstance(got.what, Material)
    assert got.what.faults([NAME], time.time()) == []
    assert (got.version, got.begins, got.ends) == ("1", got.what.begins, got.what.ends)
    assert repr(got.what) in repr(got)
    assert len(repr(got)) < 200


def test_only_what_is_new_is_read(vault: Vault, session: Session, path: str) -> None:
    """A look costs one request, of the metadata; a new version one more."""
    _put(vault, path, _pair())
    one = source(KvSource(path=path), session)
    assert one.get("1", NOW) is None
    asked = session.requests
    assert one.get("1", NOW) is None
    assert session.requests == asked + 1
    _put(vault, path, _pair())
    got = one.get("1", NOW)
    assert got
    assert (got.version, session.requests) == ("2", asked + 3)


def test_fields_have_other_names(vault: Vault, session: Session, path: str) -> None:
    """What is named otherwise there is found; with names of one's own it is values."""
    pair = _pair()
    _put(vault, path, {"tls.key": pair["key"], "tls.crt": pair["certificate"], "n": 7})
    named = {"key": "tls.key", "certificate": "tls.crt"}
    got = source(KvSource(path=path, fields=named), session).get("", NOW)
    assert got
    assert isinstance(got.what, Material)
    got = source(KvSource(path=path, fields={"pass": "tls.key"}), session).get("", NOW)
    assert got == Got(Values({"pass": str(pair["key"])}), "1", NOW, math.inf)
    for fields in ({"pass": "none"}, {"pass": "n"}, {}):
        with pytest.raises(MaterialError, match="expected a field with text"):
            source(KvSource(path=path, fields=fields), session).get("", NOW)


def test_a_version_that_is_gone_is_named(vault: Vault, session: Session, path: str) -> None:
    """Deleted, destroyed, and never there: each is said, and the version before is not taken."""
    one, kv = source(KvSource(path=path), session), vault.root.secrets.kv.v2

    def why() -> str:
        with pytest.raises(VaultError) as caught:
            one.get("1", time.time() + 60)
        assert caught.value.why is Why.ABSENT
        return str(caught.value)

    assert why() == f"secret/metadata/{path}: there is no such thing (HTTP 404)"
    _put(vault, path, _pair())
    _put(vault, path, _pair())
    kv.delete_latest_version_of_secret(path)
    assert why() == f"secret/{path}: version 2 was deleted"
    kv.undelete_secret_versions(path, [2])
    assert one.get("1", time.time())
    kv.destroy_secret_versions(path, [2])
    assert why() == f"secret/{path}: version 2 was destroyed"


def test_a_version_may_end_later(vault: Vault, session: Session, path: str) -> None:
    """One that is to be deleted some day is good until then."""
    kv = vault.root.secrets.kv.v2
    kv.update_metadata(path, delete_version_after="1h")
    _put(vault, path, _pair())
    one = source(KvSource(path=path), session)
    assert one.get("", time.time())
    with pytest.raises(VaultError, match="was deleted"):
        one.get("", time.time() + 7200)


def test_what_may_not_be_looked_up_is_named(vault: Vault, path: str) -> None:
    """A token that may not read metadata is denied, with the path that it would need."""
    session = Session(vault.approle(token_policies=["default"]), "host")
    with pytest.raises(
        VaultError, match=f"^secret/metadata/{path}: Vault does not allow"
    ) as caught:
        source(KvSource(path=path), session).get("", NOW)
    assert caught.value.why is Why.DENIED
    session.close()


AUTH = {"client_token": "s.x", "lease_duration": 3600, "renewable": True}
LOGIN = answer(200, {"auth": AUTH})


def _metadata(number: object, **told: object) -> bytes:
    versions = {"1": {"deletion_time": "", "destroyed": False, **told}}
    return answer(200, {"data": {"current_version": number, "versions": versions}})


def _data(number: int, **fields: object) -> bytes:
    return answer(200, {"data": {"data": fields, "metadata": {"version": number}}})


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([_metadata(2)], Why.ABSENT),
        ([_metadata(0)], Why.ABSENT),
        ([_metadata("1")], Why.BROKEN),
        ([_metadata(1, destroyed="no")], Why.BROKEN),
        ([_metadata(1, deletion_time="some day")], Why.ABSENT),
        ([_metadata(1, deletion_time="9" * 50)], Why.ABSENT),
        ([_metadata(1), _data(2, a="x")], Why.BROKEN),
        ([_metadata(1), answer(200, {"data": {"data": None, "metadata": {}}})], Why.BROKEN),
        ([_metadata(1), answer(200, {"data": {"data": [], "metadata": {}}})], Why.BROKEN),
        ([_metadata(1), answer(404, {"data": {"data": None}})], Why.ABSENT),
    ],
)
def test_odd_answers_are_no_secret(
    hostile: Hostile, reach: Callable[..., VaultSettings], script: list[bytes], why: Why
) -> None:
    """Versions that do not fit together, and wrong types, give no secret but say why."""
    session = Session(reach(login=AppRoleLogin(role_id="r")), "host")
    one: Any = source(KvSource(path="web", fields={"a": "a"}), session)
    hostile.says(LOGIN, *script)
    with pytest.raises(VaultError) as caught:
        one.get("", NOW)
    assert caught.value.why is why
    hostile.says(_metadata(1), _data(1, a="x"))
    assert one.get("", NOW).what == Values({"a": "x"})
    session.close()
