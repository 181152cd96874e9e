"""The keeper's side of what is joined: what it tells, asks for and remembers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent import found as founds
from agent import powers, requests, settings, snapshot
from agent import served as serveds
from agent import vaulted as vaulteds
from agent.found import Found, Leak
from agent.requests import Rotated
from agent.roles.base import Base
from agent.served import Served, Shown
from agent.vault import holding
from agent.vault.holding import Holding
from agent.vault.joins import Joins
from agent.vault.record import Record
from agent.vaulted import Vaulted
from checks.redact import FingerprintKey
from tests.agent.vault.authority import issue

if TYPE_CHECKING:
    from agent.findings import Tracked

KEY = FingerprintKey(b"k" * 32, careful=True)
OLD, NEW = "8c1f0b7e" * 4 + "a", "5d92e6f3" * 4 + "b"
IDENTITY = "0123456789abcdef" * 2


class World:
    """A keeper's state, and what the other roles publish."""

    def __init__(self, folder: Path) -> None:
        key = {"source": {"kind": "pki", "role": "web", "names": ["a"]}}
        raw = {"version": 1, "state": str(folder), "keys": {"web": key}}
        self.told = settings.from_mapping(raw)
        powers.prepare(self.told, powers.ROLES)
        self.base = Base("keeper", self.told)
        self.joins = Joins(self.base, KEY.id)
        self.holdings: tuple[Holding, ...] = ()
        self.whole = True

    def hold(self, *values: str) -> None:
        """Have a secret with a value in each of its versions."""
        versions = {n: holding.version({"p": v}, KEY) for n, v in enumerate(values, 1)}
        self.holdings = (Holding("secret/app", len(values), versions),)

    def find(self, *leaks: Leak, **more: object) -> None:
        """Publish as the watcher does."""
        removed = tuple(one.identity for one in leaks if one.removed)
        told = {"key": KEY.id, "leaks": leaks, "removed": removed, "whole": True, **more}
        path = Path(powers.published(self.told, "watcher")) / founds.FILE
        snapshot.write(path, msgspec.convert(told, Found))

    def serve(self, sha256: str, at: float) -> None:
        """Publish as the prober does."""
        shown = Shown(place="tls://127.0.0.1:443", sha256=sha256, spki="k1", at=at)
        path = Path(powers.published(self.told, "prober")) / serveds.FILE
        snapshot.write(path, Served((shown,)))

    def turn(self) -> list[str]:
        """Have a turn; give which checks are open."""
        self.joins._next = 0.0
        self.joins.turn(self.holdings, whole=self.whole)
        assert self.base.faults == {}
        return sorted(one.finding.check for one in self.open())

    def open(self) -> list[Tracked]:
        return [*self.base.ledger.everything()]

    def asked(self) -> list[Rotated]:
        """Give what the watcher is asked for, and take it away."""
        folder = Path(powers.folder(self.told, "watcher")) / powers.REQUESTS
        found = [
            msgspec.json.decode(one.read_bytes(), type=requests.Request) for one in folder.iterdir()
        ]
        for one in folder.iterdir():
            one.unlink()
        return [one for one in found if isinstance(one, Rotated)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def leak(value: str = OLD, *, removed: bool = False) -> Leak:
    return Leak(identity=IDENTITY, mark=KEY.of(value).value, path="/a", removed=removed)


def test_a_leak_is_closed_when_it_was_taken_out_and_changed(world: World) -> None:
    """Not while it stands, not while the value is in use; once, with the versions."""
    world.hold(OLD)
    world.find(leak())
    assert world.turn() == ["vault-secret-on-disk"]
    world.hold(OLD, NEW)
    assert (world.turn(), world.asked()) == (["vault-secret-on-disk"], [])
    world.hold(OLD)
    world.find(leak(removed=True))
    assert (world.turn(), world.asked()) == ([], [])
    world.hold(OLD, NEW)
    world.turn()
    [asked] = world.asked()
    assert asked.identity == IDENTITY
    assert asked.why == "Vault holds another secret/app version 2, the newest; 1 leaked"
    world.turn()
    assert world.asked() == []


def test_what_a_leak_was_is_known_after_a_start_of_the_machine(world: World) -> None:
    """Its file is gone and the key is another one; its place in Vault is remembered."""
    world.hold(OLD)
    world.find(leak())
    world.turn()
    world.base.ledger.close()
    again = World(Path(world.told.state))
    again.hold(OLD, NEW)
    again.find(removed=(IDENTITY,), leaks=())
    again.turn()
    assert [one.identity for one in again.asked()] == [IDENTITY]
    again.find()
    again.turn()
    again.find(removed=(IDENTITY,), leaks=())
    again.joins._asked.clear()
    again.turn()
    assert again.asked() == []


@pytest.mark.parametrize(
    "more", [{"whole": False, "leaks": ()}, {"key": "other", "leaks": ()}, {"key": "other"}]
)
def test_what_was_not_seen_closes_nothing(world: World, more: dict[str, object]) -> None:
    """A watcher that is not done, or that has another key yet."""
    world.hold(OLD)
    world.find(leak())
    world.turn()
    world.find(leak(), **more)
    assert world.turn() == ["vault-secret-on-disk"]
    world.whole = False
    world.find()
    assert world.turn() == ["vault-secret-on-disk"]
    world.whole = True
    assert world.turn() == []


def test_nothing_is_closed_while_a_secret_cannot_be_read(world: World) -> None:
    """It may be the one that still has the value."""
    world.hold(OLD)
    world.find(leak())
    world.turn()
    world.hold(OLD, NEW)
    world.find(leak(removed=True))
    world.whole = False
    world.turn()
    assert world.asked() == []


def test_a_certificate_that_the_keeper_replaced_is_stale_where_it_is_served(world: World) -> None:
    """What was shown since then, and as long as it is."""
    for number, got in ((1, 100.0), (2, 200.0)):
        record = Record(name="web", version=f"v{number}", sha256=f"c{number}", got=got)
        world.joins.took(record)
    world.serve("c1", at=150.0)
    assert world.turn() == []
    world.serve("c1", at=250.0)
    assert world.turn() == ["vault-key-stale"]
    [one] = world.open()
    assert one.finding.message.endswith("web version v1; Vault has version v2")
    world.serve("c2", at=300.0)
    assert world.turn() == []


def test_only_public_halves_are_published(world: World) -> None:
    """The watcher is told which keys Vault holds; of values it is told nothing."""
    leaf = issue("web", names=["a"])
    fields = {"p": OLD, "key": leaf.private}
    world.holdings = (Holding("secret/web", 1, {1: holding.version(fields, KEY)}),)
    world.find(leak())
    assert world.turn() == ["vault-secret-on-disk"]
    folder = Path(powers.published(world.told, "keeper"))
    told = snapshot.read(folder / vaulteds.FILE, Vaulted)
    assert told is not None
    assert [str(one) for one in told.keys] == ["secret/web version 1, the newest"]
    written = b"".join(
        one.read_bytes() for one in Path(world.told.state, "keeper").rglob("*") if one.is_file()
    )
    marks = [*world.holdings[0].versions[1].marks]
    assert len(marks) == 4
    assert [one for one in (*marks, OLD) if one.encode() in written] == []


def test_what_others_publish_is_not_believed_blindly(world: World) -> None:
    """Nonsense in their place changes nothing."""
    world.hold(OLD)
    world.find(leak())
    world.turn()
    for role, name in (("watcher", founds.FILE), ("prober", serveds.FILE)):
        (Path(powers.published(world.told, role)) / name).write_bytes(b"x" * 100)
    assert world.turn() == ["vault-secret-on-disk"]
