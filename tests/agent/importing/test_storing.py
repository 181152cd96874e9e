"""Storing into a real OpenBao: over nothing, read back, and again the same."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

import pytest

from agent.importing.storing import Place, Store, StoreError
from agent.vault.errors import VaultError, Why
from tests.agent.vault.hostile import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agent.keysettings import VaultSettings
    from tests.agent.vault.conftest import Vault
    from tests.agent.vault.hostile import Hostile

_WRITER = 'path "secret/data/*" { capabilities = ["create", "update"%s] }'


@pytest.fixture
def where() -> Place:
    return Place("secret", f"imported/{secrets.token_hex(4)}")


@pytest.fixture
def store(vault: Vault) -> Iterator[Callable[..., Store]]:
    """Give a function that makes one, with a token that may do these things beside writing."""
    with contextlib.ExitStack() as stack:

        def made(more: str = ', "read"') -> Store:
            name = f"writer{len(more)}"
            vault.root.sys.create_or_update_policy(name, _WRITER % more)
            return stack.enter_context(
                contextlib.closing(Store(vault.settings(), vault.token(name)))
            )

        yield made


def test_it_is_stored_once_and_the_same_again_is_no_fault(
    vault: Vault, where: Place, store: Callable[..., Store]
) -> None:
    """What is there and differs is never written over."""
    one, fields = store(), {"value": secrets.token_hex(8)}
    assert [one.put(where, fields), one.put(where, fields)] == [1, 1]
    with pytest.raises(VaultError, match="something is there already") as caught:
        one.put(where, {"value": "other"})
    assert caught.value.why is Why.DENIED
    kept = vault.root.secrets.kv.v2.read_secret_version(where.path, raise_on_deleted_version=True)
    assert (kept["data"]["data"], kept["data"]["metadata"]["version"]) == (fields, 1)


def test_what_was_deleted_is_not_written_over_either(
    vault: Vault, where: Place, store: Callable[..., Store]
) -> None:
    """Its owner may want it back."""
    kv = vault.root.secrets.kv.v2
    kv.create_or_update_secret(where.path, {"value": "a"})
    kv.delete_latest_version_of_secret(where.path)
    with pytest.raises(VaultError, match="something is there already"):
        store().put(where, {"value": "b"})


def test_what_cannot_be_read_back_is_not_taken_for_stored(
    where: Place, store: Callable[..., Store]
) -> None:
    """A token that may only write says so."""
    with pytest.raises(VaultError, match="does not allow"):
        store("").put(where, {"value": "a"})


def test_what_is_read_back_has_to_be_the_same(
    hostile: Hostile, reach: Callable[..., VaultSettings], where: Place
) -> None:
    """A server that says it stored something, and gives something else."""
    data = {"data": {"value": "b"}, "metadata": {"version": 1}}
    pieces = answer(200, {"data": {"version": 1}}), answer(200, {"data": data})
    hostile.script = [(piece, "") for piece in pieces]
    with (
        contextlib.closing(Store(reach(), "token")) as one,
        pytest.raises(StoreError, match="not what was stored"),
    ):
        one.put(where, {"value": "a"})
