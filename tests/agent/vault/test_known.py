"""Secrets that leaks are compared with, at a real OpenBao: each version read once."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import pytest

from agent.keysettings import KnownSecret
from agent.vault.known import Known
from agent.vault.session import Session
from checks.redact import FingerprintKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.agent.vault.conftest import Vault

KEY = FingerprintKey(b"k" * 32, careful=True)


class World:
    """A secret of its own, and who reads it."""

    def __init__(self, vault: Vault, session: Session) -> None:
        self._root, self.session = vault.root.secrets.kv.v2, session
        self.path = f"known-{secrets.token_hex(4)}"
        self.known = Known([KnownSecret(path=self.path, poll=1)], session, "host", KEY)
        self.now = time.time()

    def put(self) -> str:
        value = secrets.token_urlsafe(24)
        self._root.create_or_update_secret(path=self.path, secret={"password": value})
        return value

    def delete(self, *versions: int) -> None:
        self._root.delete_secret_versions(path=self.path, versions=list(versions))

    def turn(self) -> int:
        """Let it look when it is due next; give how many requests that took."""
        before, self.now = self.session.requests, self.now + 700
        self.known.turn(self.now)
        return self.session.requests - before


@pytest.fixture
def world(vault: Vault) -> Iterator[World]:
    session = Session(vault.approle(), "host")
    session.keep()
    yield World(vault, session)
    session.close()


def test_each_version_is_read_once(world: World) -> None:
    """Then its number is looked up, and nothing else."""
    first, second = world.put(), world.put()
    assert not world.known.whole
    assert world.turn() == 3
    [held] = world.known.holdings
    assert (world.known.whole, held.newest, held.place) == (True, 2, f"secret/{world.path}")
    assert [*held.versions[1].marks] == [KEY.of(first).value]
    assert held.now is not None
    assert [*held.now.marks] == [KEY.of(second).value]
    assert world.turn() == 1
    world.put()
    assert world.turn() == 2
    assert world.known.holdings[0].newest == 3


def test_what_was_deleted_is_known_no_more(world: World) -> None:
    """A newest version that is gone leaves a secret without one."""
    world.put()
    world.put()
    world.delete(2)
    world.turn()
    [held] = world.known.holdings
    assert (held.newest, held.now, [*held.versions]) == (2, None, [1])


def test_of_many_versions_the_newest_are_read(world: World) -> None:
    """As many as Vault keeps if nobody says otherwise."""
    for _ in range(13):
        world.put()
    assert world.turn() == 11
    assert sorted(world.known.holdings[0].versions) == list(range(4, 14))


def test_what_cannot_be_read_is_a_fault_and_tried_again(world: World) -> None:
    """Nothing is known of a secret that is not there, which is not whole; then it comes."""
    world.turn()
    assert (world.known.whole, world.known.holdings) == (False, ())
    assert world.known.fault.startswith(f"secret/{world.path}: ")
    value = world.put()
    world.turn()
    assert (world.known.whole, world.known.fault) == (True, "")
    assert value not in repr(world.known.holdings)


def test_only_what_is_due_is_asked(world: World) -> None:
    """A turn at once after another asks nothing; a hurry asks at the next one."""
    world.put()
    world.turn()
    before = world.session.requests
    world.known.turn(world.now)
    assert world.session.requests == before
    world.known.hurry()
    world.known.turn(world.now)
    assert world.session.requests == before + 1
