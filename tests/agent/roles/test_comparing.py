"""What the watcher lets the keeper know: leaks by the key that there is, all of them in the end."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import comparekey, powers, rulecache, settings, setup, snapshot
from agent.found import FILE, Found, ServedKey
from agent.roles import watcher
from agent.roles.base import Base
from agent.roles.comparing import Comparing
from checks import catalog
from checks.inspect import Inspector
from checks.policy import Policy
from checks.redact import FingerprintKey
from checks.scan import Scanner
from checks.scanned import Orders
from tests.agent.watch.conftest import Watching

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Scanner:
    matching = rulecache.load(setup.rule_texts(()), tmp_path_factory.mktemp("rules"))
    orders = Orders(Policy(), (FingerprintKey(b"k" * 32),))
    return Scanner(Inspector(matching.engine, catalog.Formats(matching.formats)), orders)


class World:
    """A watcher of a folder, and a keeper's folder in memory."""

    def __init__(self, root: Path, state: Path, shared: Path, scanner: Scanner) -> None:
        self.root, self.shared, self._scanner = root, shared, scanner
        vault = {"address": "https://127.0.0.1", "folder": str(shared), "known": [{"path": "app"}]}
        told = settings.from_mapping({"version": 1, "state": str(state), "vault": vault})
        powers.prepare(told, powers.ROLES)
        self.base = Base("watcher", told)
        self.base.ledger.close()
        self.watching = Watching(root, state / "watcher", scanner)
        self.base.ledger = self.watching.ledger  # as in the role, where there is one
        self.comparing = Comparing(self.base)
        self._place = Path(powers.published(told, "watcher")) / FILE

    def plant(self, name: str, value: str) -> None:
        (self.root / name).write_text(f"db:\n  password: {value}\n")

    def turn(self, *keys: ServedKey) -> Found | None:
        """Have a turn without waiting; give what is told after it."""
        self.comparing._next_key = self.comparing._next_tell = 0.0
        if self.comparing.changed() and (key := self.comparing.key):
            self.watching.readers.look_by(watcher.looking(self._scanner.beside(key)))
        self.comparing.turn(self.watching.watcher, keys)
        assert self.base.faults == {}
        return snapshot.read(self._place, Found)

    def rested(self, *keys: ServedKey) -> Found:
        """Let the watcher come to rest, and have a turn after it as often as it takes."""
        for _ in range(3):
            self.watching.rest()
            self.comparing.touch()
            found = self.turn(*keys)
        assert found is not None
        return found


@pytest.fixture
def world(tmp_path: Path, scanner: Scanner) -> Iterator[World]:
    with (
        tempfile.TemporaryDirectory(prefix="watched-") as root,
        tempfile.TemporaryDirectory(dir="/dev/shm") as shared,
    ):
        one = World(Path(root).resolve(), tmp_path, Path(shared), scanner)
        yield one
        one.watching.close()


def test_without_a_key_nothing_is_told(world: World) -> None:
    """Nor is a further fingerprint made."""
    world.plant("a.yml", secrets.token_urlsafe(24))
    world.watching.rest()
    assert world.turn() is None
    [known] = world.base.ledger.everything()
    assert known.finding.evidence is not None
    assert len(known.finding.evidence.fingerprints) == 1


def test_what_was_found_before_the_key_came_is_told_by_it(world: World) -> None:
    """Files with leaks are read again, and nothing is opened or closed because of it."""
    value, guessed = secrets.token_urlsafe(24), "Summer2026!Prod"
    world.plant("a.yml", value)
    world.plant("guessed.yml", guessed)
    (world.root / "clean.yml").write_text("db: {}\n")
    world.watching.rest()
    events = len(world.watching.events)
    key = comparekey.made(str(world.shared))
    first = world.turn()
    assert (first is not None, first and first.whole, first and first.leaks) == (True, False, ())
    looked = world.watching.watcher.numbers["looked"]
    found = world.rested()
    assert (found.key, found.whole) == (key.id, True)
    assert [(one.path, one.mark) for one in found.leaks] == [
        (str(world.root / "a.yml"), key.of(value).value)
    ]
    assert world.watching.watcher.numbers["looked"] == looked + 2
    assert len(world.watching.events) == events


def test_another_key_takes_the_place_of_the_one_before(world: World) -> None:
    """As after a start of the machine; what was removed meanwhile is told by its identity."""
    value, gone = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    world.plant("a.yml", value)
    world.plant("gone.yml", gone)
    comparekey.made(str(world.shared))
    world.turn()
    assert len(world.rested().leaks) == 2
    (world.root / "gone.yml").unlink()
    found = world.rested()
    assert {one.removed for one in found.leaks} == {True, False}
    assert found.removed == tuple(one.identity for one in found.leaks if one.removed)
    (world.shared / "compare.key").unlink()
    other = comparekey.made(str(world.shared))
    world.turn()
    again = world.rested()
    assert (again.key, again.removed, again.whole) == (other.id, found.removed, True)
    assert other.of(value).value in {one.mark for one in again.leaks}


def test_keys_that_are_served_are_told_beside(world: World) -> None:
    """They change by themselves."""
    comparekey.made(str(world.shared))
    world.turn()
    assert world.rested().keys == ()
    assert world.rested(ServedKey("/a.pem", "k1")).keys == (ServedKey("/a.pem", "k1"),)
